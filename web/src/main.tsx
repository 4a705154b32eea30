import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/inter/wght.css";
import "./styles/mantine.css";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/rooms.css";
import { App } from "./rooms/app";
import { start } from "./state/connection";
import { keep, restoreNight, restorePage } from "./state/keep";
import { link } from "./state/links";

restorePage(localStorage);
link();
createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
start(() => {
  restoreNight(localStorage).finally(() => keep(localStorage));
});
