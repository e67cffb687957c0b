/** How much a log line matters, the least first. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/**
 * Where the code under one DN writes its log lines.
 *
 * `{name}` in a message stands for the property of that name, where there is one; anything else is plain text. What a
 * machine should find again goes into the properties.
 */
export interface Logger {
  /**
   * Logs what only somebody who looks for a fault wants to read.
   *
   * @param message One sentence, without full stop
   * @param properties Values that belong to the line
   */
  debug(message: string, properties?: Record<string, unknown>): void;

  /**
   * Logs what an operator may want to know, though there is nothing to do.
   *
   * @param message One sentence, without full stop
   * @param properties Values that belong to the line
   */
  info(message: string, properties?: Record<string, unknown>): void;

  /**
   * Logs what is out of order, though the node goes on as it should. The line has the level `warning`.
   *
   * @param message One sentence, without full stop
   * @param properties Values that belong to the line
   */
  warn(message: string, properties?: Record<string, unknown>): void;

  /**
   * Logs what does not work.
   *
   * @param message One sentence, without full stop
   * @param properties Values that belong to the line
   */
  error(message: string, properties?: Record<string, unknown>): void;
}
