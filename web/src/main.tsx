import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/inter/wght.css";
import "./styles/mantine.css";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/rooms.css";
import { loadPage, savePage } from "./engine/server";
import { App } from "./rooms/app";
import { Boundary } from "./rooms/shell/boundary";
import { start } from "./state/connection";
import { keep, restoreNight, restorePage } from "./state/keep";
import { link } from "./state/links";
import { complain } from "./state/page";

/** For so long nothing is drawn, lest a page left in red or in light flashes up dark; a slow server is not waited for. */
const BLINK_MS = 150;

const shelf = { load: loadPage, save: savePage };
const restored = restorePage(shelf);
link();
start(() => restored.then(restoreNight).catch(complain)).then(() => keep(shelf));
Promise.race([restored, new Promise((done) => setTimeout(done, BLINK_MS))]).finally(() => {
  createRoot(document.getElementById("page")!).render(
    <StrictMode>
      <Boundary what="The page">
        <App />
      </Boundary>
    </StrictMode>,
  );
});
