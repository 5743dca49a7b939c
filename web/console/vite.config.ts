import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The console is served under /console/ by the program itself; in development
// `npm run dev` passes calls on to one that runs at port 8000.
const server = 'http://127.0.0.1:8000';

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: {
    target: 'es2022',
    // Assets are files, never data: URLs in scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    license: { fileName: 'licenses.md' },
  },
  server: { proxy: { '/api': server, '/auth': server, '/console/settings.json': server } },
});
