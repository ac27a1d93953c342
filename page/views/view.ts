/** What a view is. */
import type { FunctionComponent } from 'preact';
import type { PageData } from '../../src/report/page-data.js';

export interface View {
  /** Of its section, and its address: `#cases`. */
  id: string;
  title: string;
  /** Whether the data have what it shows. */
  shows(data: PageData): boolean;
  Content: FunctionComponent<{ data: PageData }>;
}
