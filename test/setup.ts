/** What holds in every file: this module runs again for each, also for those that share a process, what it imports does not. */
import { afterAll } from 'vitest';
import './equality.js';
import { endFile } from './every-file.js';

afterAll(endFile);
