/** What holds in every file. Imported, because this file itself runs again for each of those that share a process. */
import './equality.js';
