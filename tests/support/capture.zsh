# Prints what zsh offers after Tab. Usage: zsh -f capture.zsh COMPLETION_FOLDER DIR TYPED
# Completion works only in the line editor, so this types into a zsh in a pseudo-terminal. In there, a function in place of
# the builtin compadd writes down the matches.
zmodload zsh/zpty zsh/zselect
folder=$1 directory=$2 typed=$3
offered=$(mktemp)
cat >$offered.setup <<END
OFFERED=$offered
PS1= RPROMPT=
unset zle_bracketed_paste
setopt no_beep
cd ${(q)directory}
fpath=(${(q)folder} \$fpath)
autoload -Uz compinit
compinit -u -D
bindkey '^I' complete-word
compadd () {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "\$@"  # a function asks for an array, and offers nothing yet
    return
  fi
  typeset -a hits
  builtin compadd -A hits "\$@"
  print -l -- \$hits >>\$OFFERED
  builtin compadd "\$@"
}
finish () { print END >>\$OFFERED; }
zle -N finish
bindkey '^X^O' finish
END
zpty inner zsh -f -i
zpty -w inner "source $offered.setup; print REA''DY"
while zpty -r inner line; do [[ $line == *READY* ]] && break; done
zpty -w -n inner "$typed"$'\t\x18\x0f'
while [[ $(<$offered) != *END* ]]; do zpty -r -t inner line; zselect -t 1; done
zpty -d inner
grep -v '^END$' $offered
rm -f $offered $offered.setup
