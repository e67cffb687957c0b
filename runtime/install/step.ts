import { dirname } from "node:path";
import { writeFileAtomic } from "../atomic_file.ts";
import { ifThere } from "../if_there.ts";
import { CannotInstallError } from "./errors.ts";

/** One thing that is done to a machine. */
export type Step =
  | {
    readonly kind: "folder";
    readonly path: string;
    readonly mode: number;
  }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly mode: number;
    readonly text: string;
    /** Whether nobody is to be shown what is in it. @default {false} */
    readonly secret?: boolean;
  }
  /** Puts this program there. */
  | { readonly kind: "program"; readonly path: string }
  /** A file, or a folder with all below it; fine where there is none. */
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "run"; readonly command: readonly [string, ...string[]] };

/**
 * Says what a step does, for a person who decides whether that is right.
 *
 * @param step The step.
 * @returns One or more lines.
 */
export function stepText(step: Step): string {
  switch (step.kind) {
    case "folder":
      return `make folder ${step.path} of mode ${modeText(step.mode)}`;
    case "file":
      if (step.secret) {
        return `write ${step.path} of mode ${modeText(step.mode)}, a secret`;
      }
      return `write ${step.path} of mode ${modeText(step.mode)}:\n${
        step.text.trimEnd().replaceAll(/^(?=.)/gm, "  | ")
      }`;
    case "program":
      return `copy ${Deno.execPath()} to ${step.path}`;
    case "remove":
      return `remove ${step.path}`;
    case "run":
      return `run ${step.command.join(" ")}`;
  }
}

/** Options of {@linkcode takeSteps}. */
export interface TakeStepsOptions {
  /** Whether they are only told. */
  readonly dryRun: boolean;
  /** Takes what each of them does, for a person. */
  say(line: string): void;
}

/**
 * Does steps one after another, and tells each of them before. Doing them again changes nothing.
 *
 * @param steps The steps.
 * @param options See {@linkcode TakeStepsOptions}.
 * @throws {CannotInstallError} If one cannot be done; those after it are not begun.
 */
export async function takeSteps(
  steps: readonly Step[],
  { dryRun, say }: TakeStepsOptions,
): Promise<void> {
  for (const step of steps) {
    say(stepText(step));
    if (!dryRun) await doStep(step);
  }
}

async function doStep(step: Step): Promise<void> {
  try {
    await attempt(step);
  } catch (cause) {
    if (cause instanceof CannotInstallError || !(cause instanceof Error)) {
      throw cause;
    }
    const denied = cause instanceof Deno.errors.PermissionDenied;
    const [what = ""] = stepText(step).split("\n");
    throw new CannotInstallError(
      `Cannot ${what.replace(/:$/, "")}: ${
        denied ? `user ${Deno.uid()} may not; do this as root` : cause.message
      }`,
      { cause },
    );
  }
}

async function attempt(step: Step): Promise<void> {
  switch (step.kind) {
    case "folder":
      await Deno.mkdir(step.path, { recursive: true });
      await Deno.chmod(step.path, step.mode);
      break;
    case "file":
      await Deno.mkdir(dirname(step.path), { recursive: true });
      await writeFileAtomic(step.path, step.text, { mode: step.mode });
      break;
    case "program": {
      const self = await Deno.realPath(Deno.execPath());
      if (self === step.path) break;
      await Deno.mkdir(dirname(step.path), { recursive: true });
      await writeFileAtomic(step.path, await Deno.readFile(self), {
        mode: 0o755,
      });
      break;
    }
    case "remove":
      await ifThere(Deno.remove(step.path, { recursive: true }));
      break;
    case "run":
      await runCommand(step.command);
  }
}

async function runCommand(
  [command, ...args]: readonly [string, ...string[]],
): Promise<void> {
  const { success, code, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new CannotInstallError(
    `Cannot run ${command} ${
      args.join(" ")
    }: it ended with exit code ${code}\n${new TextDecoder().decode(stderr)}`
      .trimEnd(),
  );
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
