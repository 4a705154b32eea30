import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the server of `sidera ui --port 8765`. */
const SERVER = "http://127.0.0.1:8765";

export default defineConfig({
  plugins: [react()],
  base: "./",
  build: {
    target: "es2022",
    // The page's content policy allows no data: scripts; small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: { "/api": SERVER, "/t": SERVER, "/ws": { target: SERVER, ws: true } },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
