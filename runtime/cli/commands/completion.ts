import type { Shell } from "../routes/meta.ts";
import type { CliContext } from "../context.ts";

/** Writes a script that makes a shell ask `hamlet __complete`. */
export default function completion(
  this: CliContext,
  _flags: object,
  shell: Shell,
): void {
  this.process.stdout.write(SCRIPTS[shell]);
}

/**
 * Each asks the program itself, so that what is completed is what it understands. Where it has
 * nothing to propose, the shells complete file names.
 */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# hamlet's completion for bash: eval "$(hamlet completion bash)"
_hamlet() {
  local line
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _hamlet hamlet
`,
  zsh: `#compdef hamlet
# hamlet's completion for zsh: eval "$(hamlet completion zsh)"
_hamlet() {
  local -a found
  local word brief
  while IFS=$'\\t' read -r word brief; do
    found+=("\${word//:/\\\\:}:$brief")
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe hamlet found
  else
    _files
  fi
}
if [ "$funcstack[1]" = _hamlet ]; then
  _hamlet
else
  compdef _hamlet hamlet
fi
`,
  fish: `# hamlet's completion for fish: hamlet completion fish | source
function __hamlet_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l found ($words[1] __complete -- $words[2..] "$current" 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete --command hamlet --no-files --arguments '(__hamlet_complete)'
`,
};
