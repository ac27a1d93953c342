/** What can go wrong in a federation; what a single site did wrong is recorded in the ledger and the round goes on. */
import { errorsOf } from '../core/index.js';

export const federateErrors = {
  FEDERATION_CHANGED: {
    exit: 'usage',
    message: '{folder}: was begun under another configuration; changed: {changed}.',
    hint: 'Resume with the configuration of the first start, or start into a new folder; only more rounds and further sites can be added.',
  },
  FEDERATION_EMPTY: {
    exit: 'usage',
    message: 'The plan {plan} with the aggregation {aggregation} leaves nothing that sites would train and send.',
    hint: 'Choose a plan that trains something; ffa, fedsa and rolora need low-rank adapters in the plan.',
  },
  AGGREGATION_UNSUITED: {
    exit: 'usage',
    message: 'The robust aggregation {robust} cannot be combined with {aggregation}.',
    hint: '{aggregation} has its own way to combine the sites; use mean, ffa, fedsa or rolora with {robust}.',
  },
  CORRECTION_UNSUPPORTED: {
    exit: 'usage',
    message: 'The aggregation {aggregation} changes frozen weights, which the trainer of {site} does not offer.',
    hint: 'Choose another aggregation, or give the trainer a method correct().',
  },
  CORRECTION_UNSUITED: {
    exit: 'usage',
    message: '{aggregation} corrects the weights for one plain LoRA a layer, which the adapter of {plan} is not.',
    hint: 'Choose another aggregation, or set the adapter’s count to 1 and its kind to lora.',
  },
  WEIGHTS_INVALID: {
    exit: 'usage',
    message: 'The weights of the sites must be numbers from 0 on, one for each site and not all 0: {problem}.',
    hint: 'Correct federation.weights, or set it to slices or cases.',
  },
  SITE_TWICE: {
    exit: 'usage',
    message: 'Two sites are called {site}.',
    hint: 'Give every site a name of its own.',
  },
  SITE_NAME_INVALID: {
    exit: 'usage',
    message: 'A site cannot be called "{site}": {reason}.',
    hint: 'The name becomes a folder, on any system: up to 128 bytes of letters, digits, spaces and signs, but none of < > : " / \\ | ? * and no dot or dash at the start.',
  },
  SITE_NAME_TAKEN: {
    exit: 'usage',
    message: 'The coordinator knows another site by the name {site}.',
    hint: 'Give this site a name of its own, or put back its folder with the key that it registered with.',
  },
  SITE_AHEAD: {
    exit: 'system',
    message: 'The coordinator is at round {round}, and the site {site} has trained round {known}.',
    hint: 'The coordinator has lost rounds: restore its folder from a newer copy, or start the federation in new folders. What the site has is left as it is.',
  },
  TASK_OTHER: {
    exit: 'system',
    message: 'The coordinator gives the site {site} a task whose {setting} is {found}, and {expected} was agreed to.',
    hint: 'Ask who runs the coordinator: its settings are not those of the study, or of the start, that the site was given.',
  },
  SITE_BEHIND: {
    exit: 'system',
    message:
      'The site {site} remembers {known}, but its update of round {taken} was taken: its folder is older than that.',
    hint: 'Put the newer folder back, if there is one, and start the site again. Otherwise the site cannot go on under this name: let the coordinator’s administrator revoke it, and ask to be admitted with new keys, in a new folder, under another name.',
  },
  SITE_OTHER_FEDERATION: {
    exit: 'usage',
    message: 'The folder of the site {site} belongs to another federation.',
    hint: 'Give each federation folders of its own.',
  },
  SITE_OTHER_BASE: {
    exit: 'model',
    message: '{site}: the base model here is {found}, but the federation starts from {expected}.',
    hint: 'Load the base model that the federation was prepared with, which all sites must have.',
  },
  SITE_UNFINISHED: {
    exit: 'usage',
    message: '{site}: there is no result, since the coordinator has not said that the rounds are over.',
    hint: 'Let the site run until it ends by itself; one that was stopped is started again with its folder.',
  },
  FEDERATION_START_INVALID: {
    exit: 'data',
    message: '{file}: is not the start of a federation ({reason}).',
    hint: 'Take the file that saveFederationStart wrote, with the same version of graft.',
  },
  TOO_FEW_SITES: {
    exit: 'data',
    message: 'Round {round} has {found} usable sites and needs {minimum} ({reasons}).',
    hint: 'The rounds before are kept. Where a site was away or its files are at fault, fix that and resume. Where a setting is the cause, such as the learning rate or minSites, resuming ends the same way: start into a new folder with another value.',
  },
  AGGREGATE_INVALID: {
    exit: 'data',
    message: 'The updates of round {round} cannot be aggregated ({reason}).',
    hint: 'The update that is farthest from the global state is left out, and the round continues with the others.',
  },
  UPDATE_DIVERGED: {
    exit: 'data',
    message: 'The update of {site} in round {round} holds numbers that are not finite (in {tensor}).',
    hint: 'Lower the learning rate, and check the intensities of the images of {site}.',
  },
  LEDGER_DAMAGED: {
    exit: 'system',
    message: '{file}: line {line} is not what was written there.',
    hint: 'Only a last line can be cut short by a crash; this one was changed. A run that is resumed runs these rounds again by itself; elsewhere, restore the file from a copy, or start the federation in a new folder.',
  },
  MESSAGE_INVALID: {
    exit: 'system',
    message: 'A message from {from} cannot be used ({reason}).',
    hint: 'Run the same version of graft at the coordinator and at all sites.',
  },
  PAYLOAD_INVALID: {
    exit: 'system',
    message: 'Tensors from {from} cannot be used ({reason}).',
    hint: 'Run the same version of graft and the same plan at the coordinator and at all sites.',
  },
  FEDERATION_DAMAGED: {
    exit: 'system',
    message: '{file}: the federation cannot continue from it ({reason}).',
    hint: 'Restore the file from a copy. Without one, delete {folder} and start again: the rounds begin anew and end with the same bits.',
  },
  KEY_DAMAGED: {
    exit: 'system',
    message: '{file}: is not a private key ({reason}).',
    hint: 'Restore the file from a copy: the others know a site or a coordinator by this key. Before the first round it may be deleted, and a new one is made.',
  },
  KEY_INVALID: {
    exit: 'usage',
    message: 'The public key of {owner} is not an Ed25519 key (DER in base64).',
    hint: 'Copy the whole public key of {owner}.',
  },
  KEY_OTHER: {
    exit: 'usage',
    message: '{folder}: the federation was begun with another key of {owner}.',
    hint: 'Restore the file key.pem of {owner} from a copy; without one, start the federation in a new folder.',
  },
  SEALING_KEY_INVALID: {
    exit: 'usage',
    message: 'The public sealing key of {owner} is not one of X25519 (DER in base64).',
    hint: 'Copy the public key that {owner} shows, as a whole.',
  },
  SEAL_MALFORMED: {
    exit: 'system',
    message: '{what} is not sealed in a form that is known here ({reason}).',
    hint: 'Run the same version of graft at the coordinator and at all sites.',
  },
  SEAL_MISADDRESSED: {
    exit: 'system',
    message: '{what} is sealed for another key than the one here.',
    hint: 'Compare the public key of the coordinator with the one that the site was given, and admit the site again where they differ.',
  },
  SEAL_BROKEN: {
    exit: 'system',
    message: '{what} was changed on its way, or sealed with another key.',
    hint: 'Compare the public keys that the coordinator and the site know of each other. If they are right, somebody between them changes what is sent.',
  },
  EPOCH_UNKNOWN: {
    exit: 'system',
    message: 'The task is sealed for the admitted sites, and the key of {site} is not among theirs.',
    hint: 'The site was revoked, or it was admitted with another key: ask the coordinator’s administrator.',
  },
  SITE_UNADMITTED: {
    exit: 'system',
    message: 'A message under the name {site} is not opened: no such site is admitted.',
    hint: 'Admit the site, or look for who speaks under that name.',
  },
  BLOB_DAMAGED: {
    exit: 'system',
    message: '{file}: a global state or an update that the coordinator kept is lost ({reason}).',
    hint: 'Restore the file from a copy; without one, start the federation in a new folder. A run that is resumed does so by itself.',
  },
  BLOB_TOO_LARGE: {
    exit: 'system',
    message: 'The blob {blob} has {size} bytes, more than the {limit} that can be needed.',
    hint: 'Run the same version of graft and the same plan at the coordinator and at all sites.',
  },
  BLOB_MISSING: {
    exit: 'system',
    message: 'The blob {blob} is not there (any more).',
    hint: 'Start the coordinator and the sites again: they send again what the round needs.',
  },
  MESSAGE_TOO_LARGE: {
    exit: 'usage',
    message: 'A message on {subject} has {size} bytes, and the broker takes {limit}.',
    hint: 'Set max_payload in the configuration of the broker to 1 MiB, or more for thousands of sites.',
  },
  FEDERATION_NAME_INVALID: {
    exit: 'usage',
    message: 'A federation at a broker cannot be called "{name}".',
    hint: 'Use 1 to 64 letters (a-z, A-Z), digits, _ and -.',
  },
  BROKER_ADDRESS_INVALID: {
    exit: 'usage',
    message: 'The address "{address}" of a broker cannot be used: {reason}.',
    hint: 'Write tls://HOST:PORT, or wss://HOST:PORT for WebSockets; an IPv6 address is in brackets.',
  },
  BROKER_INSECURE: {
    exit: 'usage',
    message: 'The connection to {address} would not be encrypted.',
    hint: 'Give the files of a certificate, its key and the authority, and use tls:// or wss://; only a broker on the same machine may be used without.',
  },
  BROKER_SETTING_INVALID: {
    exit: 'usage',
    message: 'The text "{text}" cannot be used in the configuration of a broker.',
    hint: 'Use names, certificate subjects and paths without quotes, backslashes and control characters.',
  },
  CERTIFICATE_MISSING: {
    exit: 'usage',
    message: '{file}: the file for the connection to the broker cannot be read ({reason}).',
    hint: 'Give the paths of the authority, the certificate and the private key, in PEM.',
  },
  BROKER_UNREACHABLE: {
    exit: 'system',
    message: 'No broker can be reached at {servers} ({reason}).',
    hint: 'Check that the broker runs, that a firewall lets this machine reach it, and that its certificate names this host and comes from the given authority.',
  },
  BROKER_UNSUITED: {
    exit: 'system',
    message: 'The broker (nats-server {version}) cannot be used: {reason}.',
    hint: 'Use a current nats-server with JetStream enabled.',
  },
  BROKER_REFUSED: {
    exit: 'system',
    message: 'The broker refuses this peer ({reason}).',
    hint: "The configuration of the broker must name the subject of this peer's certificate; ask its operator.",
  },
  BROKER_FORBIDDEN: {
    exit: 'system',
    message: 'The broker does not allow this peer to {operation} {subject}.',
    hint: "Use this site's own certificate and name; the configuration of the broker says which subjects a certificate may use. A broker that was started with the configuration of an earlier version has to be started again with the one that the coordinator wrote.",
  },
  BROKER_OUTDATED: {
    exit: 'system',
    message:
      'The broker runs with the configuration of an earlier version, under which a site could change what others sent.',
    hint: 'Stop the broker, give it nats.conf as the coordinator has just written it into broker/ of its folder, and start it again (systemctl restart graft-broker); to have it read again is not enough.',
  },
  BROKER_FULL: {
    exit: 'system',
    message: 'The broker has no room for this message ({reason}).',
    hint: 'Give the broker a larger max_file_store, and the coordinator a larger capacity.',
  },
  TRANSPORT_CLOSED: {
    exit: 'system',
    message: 'The connection to the broker was closed by this peer.',
    hint: 'Make a new transport.',
  },
  COMPRESSION_MISSING: {
    exit: 'system',
    message: 'This Node.js ({version}) has no {compression} compression.',
    hint: 'Use Node.js 22.15 or newer at the coordinator and at all sites, or the compression deflate.',
  },
} as const;
export const federateError = errorsOf(federateErrors);
