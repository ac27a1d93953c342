/** Begins the page with the data in it; where it is a server's, it hears of changes. */
import { render } from 'preact';
import { App } from './app.js';
import './style.css';
import 'uplot/dist/uPlot.min.css';
import { readData } from './source.js';

render(<App initial={readData()} />, document.getElementById('page')!);
