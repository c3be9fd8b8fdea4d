/** Light or dark as the reader's system is; plots take the colour of the text. */
export const style = `
:root { color-scheme: light dark; --ink: #1f2328; --faint: #59636e; --page: #ffffff; --line: #d1d9e0; --link: #0b5cc4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #9198a1; --page: #0d1117; --line: #3d444d; --link: #6cb0ff; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt, .command, figcaption { color: var(--faint); }
dd { margin: 0; }
nav a { display: block; color: var(--link); text-decoration: none; }
figure { margin: 2rem 0; }
figcaption { font-weight: 600; margin-bottom: 0.5rem; }
.plot { overflow-x: auto; }
.plot svg { max-width: 100%; height: auto; color: var(--ink); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; margin-top: 0.5rem; }
th, td { padding: 0.2rem 0.8rem 0.2rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
code { font-size: 0.875rem; overflow-wrap: anywhere; }
.error { color: #d1495b; }
`
