/* How the page is built: one script, one style sheet, nothing inline (the security policy allows none) and nothing from
 * elsewhere. File names carry a hash of the content; the page itself is asked for anew each time. */

import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  publicDir: "public",
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
