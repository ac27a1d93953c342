/** What can go wrong with who takes part in a federation, and with what they agreed to. */
import { errorsOf } from '../core/index.js';

export const federationErrors = {
  KEY_MISSING: {
    exit: 'usage',
    message: '{file}: there is no such key.',
    hint: 'Name the folder in which "graft site request" or "graft federation create" made the keys. Keys that are lost cannot be made again: revoke the site and admit it under another name.',
  },
  KEY_UNUSABLE: {
    exit: 'system',
    message: '{file}: expected a private {type} key in PEM, found {found}.',
    hint: 'Restore the file from a copy. Without one, revoke the site and admit it under another name.',
  },
  PARTY_NAME_INVALID: {
    exit: 'usage',
    message: '"{name}" cannot be the name of a {of}: {problem}.',
    hint: 'Take up to 40 small letters, digits and dashes that begin with a letter, such as site-a.',
  },
  SETTINGS_INVALID: {
    exit: 'usage',
    message: '{file}: {key}: {problem}.',
    hint: 'Correct the value; docs/federation.md explains every key.',
  },
  SETTINGS_UNKNOWN_KEY: {
    exit: 'usage',
    message: '{file}: the key {key} is unknown{suggestion}',
    hint: 'The keys known there are {keys}; docs/federation.md explains them.',
  },
  DOCUMENT_INVALID: {
    exit: 'data',
    message: '{file}: is not a {what} that can be used ({reason}).',
    hint: 'Ask the sender for the file again, or restore it from a copy if it is your own. Make sure that both sides run the same version of graft.',
  },
  CERTIFICATE_EXPIRED: {
    exit: 'data',
    message: 'The certificate of {owner} has expired{when}; this machine’s clock says {now}.',
    hint: 'If the clock is right, ask the coordinator’s administrator to admit the site again, which gives it a new kit.',
  },
  CERTIFICATE_EARLY: {
    exit: 'data',
    message: 'The certificate of {owner} is not valid yet{when}; this machine’s clock says {now}.',
    hint: 'Set the clock of this machine: it is behind that of the machine that issued the certificate.',
  },
  CERTIFICATE_FOREIGN: {
    exit: 'data',
    message: 'The certificate of {owner} is not from the study’s authority ({reason}).',
    hint: 'Make sure that the address is the study’s broker and that no proxy on the way opens TLS. Otherwise ask the coordinator’s administrator for the site’s kit again.',
  },
  CERTIFICATE_OTHER_NAME: {
    exit: 'data',
    message: 'The certificate of {owner} is for another name ({found}).',
    hint: 'Reach the broker under an address that the study names; a certificate is valid for these addresses alone.',
  },
  WORDS_DIFFER: {
    exit: 'data',
    message: '{file}: its six words are "{found}", not "{given}".',
    hint: 'Compare again by telephone. If the words still differ, the file is not the one that was made there: do not use it.',
  },
  MEMBER_OTHER_KEYS: {
    exit: 'usage',
    message: '{folder}: {site} was admitted with other keys.',
    hint: 'A key is never replaced. If the site lost its keys, revoke it and admit the new request under another name.',
  },
  MEMBER_REVOKED: {
    exit: 'usage',
    message: '{folder}: {site} was revoked on {on} and cannot come back under this name or with these keys.',
    hint: 'Let the hospital make new keys in a new folder, with another name: graft site request --name NAME',
  },
  MEMBER_UNKNOWN: {
    exit: 'usage',
    message: '{folder}: no site called {site} was admitted{suggestion}',
    hint: 'The sites are: {sites}.',
  },
  MEMBERS_DAMAGED: {
    exit: 'system',
    message: '{file}: is not the list of members that was written ({reason}).',
    hint: 'Restore the file from a copy. Without one, the sites can be admitted again with their requests into an empty list.',
  },
  MEMBERS_IN_USE: {
    exit: 'system',
    message: '{file}: another graft (process {pid} on {host}) is changing the list of members.',
    hint: 'Wait for it. If no such process runs there, delete {lock}.',
  },
  FOLDER_TAKEN: {
    exit: 'usage',
    message: '{folder}: a study needs a new or an empty folder, but this one {reason}.',
    hint: 'Name another folder with --out. A study that is already there is shown by "graft federation status".',
  },
  COORDINATOR_FOLDER: {
    exit: 'usage',
    message: '{folder}: is not the folder of a coordinator ({reason}).',
    hint: 'Name the folder that "graft federation create" made.',
  },
  BASE_DAMAGED: {
    exit: 'model',
    message: '{file}: is not the base model that the study was made with (its SHA-256 begins with {found}).',
    hint: 'Restore the file from a copy; model.safetensors of every site that has joined is one.',
  },
  COORDINATOR_RUNNING: {
    exit: 'usage',
    message: '{folder}: another process runs this study’s coordinator.',
    hint: 'Watch it with "graft federation watch". If no such process runs any more on the machine that {file} names, delete that file.',
  },
  COORDINATOR_ELSEWHERE: {
    exit: 'usage',
    message: '{folder}: the broker is in use by another coordinator of this study ({other}).',
    hint: 'A study has one coordinator. Keep the one whose folder holds the most rounds ("graft federation status" says how many), and stop the other one.',
  },
  BROKER_MISSING: {
    exit: 'system',
    message: 'The broker could not be started: {reason}.',
    hint: 'Install nats-server (apt-get install nats-server), or run the broker elsewhere and leave --with-broker out.',
  },
  BROKER_BROKEN: {
    exit: 'system',
    message: 'The broker ended at once, again and again; the last that it wrote: {reason}',
    hint: '{file} holds all that it wrote. Perhaps another program uses its port.',
  },
  SITE_ELSEWHERE: {
    exit: 'usage',
    message: '{folder}: the site {site} is run by another process already, from a copy of this folder.',
    hint: 'A site runs once. Stop the other process first if this folder is the newer one; otherwise remove this copy.',
  },
  PROXY_UNSUITED: {
    exit: 'usage',
    message: 'The broker of {study} cannot be reached through a proxy: its addresses are {addresses}.',
    hint: 'Ask the coordinator’s administrator for a study with a wss:// address, or leave --proxy out.',
  },
  ROUNDS_FEWER: {
    exit: 'usage',
    message: '{folder}: the study has {rounds} rounds already, so {asked} would not be more.',
    hint: 'Give the number of all rounds, those that are done included.',
  },
  CONTROL_IN_USE: {
    exit: 'system',
    message: '{file}: another graft (process {pid} on {host}) is changing it.',
    hint: 'Wait for it. If no such process runs there, delete {lock}.',
  },
  CONTROL_DAMAGED: {
    exit: 'system',
    message: '{file}: is not what was written there ({reason}).',
    hint: 'Delete it, and give "graft federation pause" or "extend" again where they were in force.',
  },
  COORDINATOR_OTHER: {
    exit: 'data',
    message: '{file}: the six words of its coordinator are "{found}", but {policy} names "{expected}".',
    hint: 'Compare the words with the coordinator’s administrator by telephone. Do not use a kit whose words differ.',
  },
  KIT_OTHER_KEYS: {
    exit: 'usage',
    message:
      '{file}: was made for the keys of {site} with the words "{expected}", but {folder} holds keys with the words "{found}".',
    hint: 'Name the folder whose keys the request was made with, or send the request of these keys to the coordinator.',
  },
  STUDY_OTHER_VERSION: {
    exit: 'usage',
    message: '{file}: the study runs with graft {expected}, but this is graft {found}.',
    hint: 'Install graft {expected}: coordinator and sites run the same version.',
  },
  POLICY_REFUSES: {
    exit: 'usage',
    message: '{file}: the rule {rule} does not allow it: {problem}.',
    hint: 'If the hospital agrees, change the rule; otherwise do not take part.',
  },
} as const;
export const federationError = errorsOf(federationErrors);
