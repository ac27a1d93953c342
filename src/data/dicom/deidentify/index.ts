/** Images without what identifies their patients (PS3.15 annex E). */
export { type Deidentified, type DeidentifyOptions, deidentifyFolder } from './folder.js';
export { type ProfileOption, profileOptions } from './profile.js';
