import {
  type Application,
  buildApplication,
  buildRouteMap,
  text_en,
} from "@stricli/core";
import type { CliContext } from "./context.ts";
import { exitCodeOf, failureText } from "./failure.ts";
import { cert } from "./routes/cert.ts";
import {
  invite,
  nodes,
  recover,
  remove,
  reset,
  setRole,
} from "./routes/cluster.ts";
import { kv } from "./routes/kv.ts";
import { install, uninstall } from "./routes/machine.ts";
import { complete, completion, help, version } from "./routes/meta.ts";
import { dev, logs, plugins, run, status } from "./routes/node.ts";
import { unknownCommandText, usageText } from "./usage_text.ts";
import { version as currentVersion } from "../version.ts";

/** Hamlet's command line. Each command's code is loaded when it is called. */
export const application: Application<CliContext> = buildApplication(
  buildRouteMap({
    routes: {
      dev,
      run,
      status,
      plugins,
      logs,
      cert,
      kv,
      nodes,
      invite,
      remove,
      role: setRole,
      reset,
      recover,
      install,
      uninstall,
      version,
      help,
      completion,
      __complete: complete,
    },
    docs: {
      brief: "A cluster that runs itself, of a few machines and plugins",
      hideRoute: { __complete: true },
    },
  }),
  {
    name: "hamlet",
    versionInfo: { currentVersion },
    scanner: {
      caseStyle: "allow-kebab-for-camel",
      allowArgumentEscapeSequence: true,
    },
    documentation: { onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: {
      text: {
        ...text_en,
        exceptionWhileRunningCommand: failureText,
        exceptionWhileParsingArguments: (error) =>
          `hamlet: ${usageText(error)}`,
        noCommandRegisteredForInput: (found) =>
          `hamlet: ${unknownCommandText(found)}`,
      },
    },
  },
);
