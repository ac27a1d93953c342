/** What Vite makes of style sheets. */
declare module '*.css';
