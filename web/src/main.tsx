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
import { start } from "./state/connection";
import { keep, restoreNight, restorePage } from "./state/keep";
import { link } from "./state/links";

const shelf = { load: loadPage, save: savePage };
restorePage(shelf).then((folder) => {
  link();
  createRoot(document.getElementById("page")!).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  start(() => restoreNight(folder).finally(() => keep(shelf)));
});
