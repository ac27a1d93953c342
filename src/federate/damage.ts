/**
 * What of a federation's folder is not what was written there. A coordinator and its sites go on from files that must fit
 * together; where one of them is damaged, lost or older than the others, going on would end in another model unnoticed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraftError } from '../core/index.js';
import { decodeSafetensors } from '../formats/index.js';
import { hashOf } from './blobs.js';
import { Book } from './book.js';
import { readLedger } from './ledger.js';
import { memoryFile } from './memory.js';
import { blobFolder, coordinatorFolder, ledgerFile, siteFolder } from './places.js';
import { keyFile, SigningKey } from './signing.js';
import { folderStore } from './store.js';

export interface Damage {
  file: string;
  reason: string;
}

/** @returns undefined where all is whole, or nothing was begun @throws GraftError SECRET_EXPOSED */
export function damageOf(folder: string): Damage | undefined {
  try {
    const book = readBook(folder);
    return blobDamage(folder, book) ?? keyDamage(coordinatorFolder(folder), book.key) ?? sitesDamage(folder, book);
  } catch (error) {
    if (error instanceof Found) return error.damage;
    throw error;
  }
}

/** Ends the search. */
class Found extends Error {
  readonly damage: Damage;
  constructor(file: string, reason: string) {
    super(reason);
    this.damage = { file, reason };
  }
}

/** What the action gives; where it finds the file damaged, the search ends. */
function looking<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof GraftError && error.code !== 'SECRET_EXPOSED') throw new Found(file, error.message);
    throw error;
  }
}

function readBook(folder: string): Book {
  const book = new Book();
  const file = ledgerFile(folder);
  if (existsSync(file)) for (const entry of looking(file, () => readLedger(file))) book.apply(entry);
  return book;
}

function blobDamage(folder: string, book: Book): Damage | undefined {
  for (const hash of book.blobs) {
    const file = join(blobFolder(folder), hash);
    if (!existsSync(file)) return { file, reason: 'it is missing' };
    if (hashOf([readFileSync(file)]) !== hash) return { file, reason: 'its content is not what was written' };
  }
  return undefined;
}

function sitesDamage(folder: string, book: Book): Damage | undefined {
  const sites = join(folder, 'sites');
  const names = new Set([...book.registered.keys(), ...(existsSync(sites) ? readdirSync(sites) : [])]);
  for (const site of names) {
    const damage =
      memoryDamage(folder, book, site) ?? keyDamage(siteFolder(folder, site), book.registered.get(site)?.key);
    if (damage) return damage;
  }
  return undefined;
}

/** A site may be one round ahead of what the coordinator has recorded of it, and never behind. */
function memoryDamage(folder: string, book: Book, site: string): Damage | undefined {
  const file = join(siteFolder(folder, site), memoryFile);
  const accepted = book.acceptedRound(site);
  if (!existsSync(file)) return accepted > 0 ? { file, reason: 'it is missing' } : undefined;
  const { metadata } = looking(file, () => decodeSafetensors(readFileSync(file), file));
  // Of another federation: the site itself will say so.
  if (book.federation && metadata.federation !== book.federation) return undefined;
  const round = Number(metadata.round);
  if (round < accepted) return { file, reason: `it is of round ${round}, and the ledger knows of round ${accepted}` };
  const current = book.open?.round ?? book.round;
  if (round > current)
    return { file: ledgerFile(folder), reason: `it ends in round ${current}, and ${site} was in round ${round}` };
  return undefined;
}

/** @param known public key that others know the owner of the folder by */
function keyDamage(folder: string, known: string | undefined): Damage | undefined {
  const file = join(folder, keyFile);
  if (!existsSync(file)) return known === undefined ? undefined : { file, reason: 'it is missing' };
  const { publicKey } = looking(file, () => new SigningKey(folderStore(folder)));
  return known !== undefined && known !== publicKey
    ? { file, reason: 'it is not the key that the others know its owner by' }
    : undefined;
}
