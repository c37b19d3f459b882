# Completion in bash for: ssh HOST VERB ...
# Load it:  source <(ssh HOST completion bash HOST)

__pushboat_hosts=' @HOSTS@ '

# __pushboat_split sets words to the words before the cursor, and cur to the begun one.
# bash itself would break words at @ and colons.
__pushboat_split() {
	words=()
	if [[ -n ${COMP_LINE-} ]]; then
		local line=${COMP_LINE:0:COMP_POINT}
		read -ra words <<<"$line"
		[[ $line == *[[:space:]] ]] && words+=('')
	else
		words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
	fi
	cur=${words[${#words[@]}-1]}
	unset "words[${#words[@]}-1]"
}

# __pushboat_ask prints the words that may come next. It never asks for a password, and
# gives up soon.
__pushboat_ask() {
	command ssh -T -o BatchMode=yes -o ConnectTimeout=2 -o ServerAliveInterval=1 -o ServerAliveCountMax=2 \
		"$@" </dev/null 2>/dev/null
}

__pushboat_ssh() {
	local words cur at=1 host='' word
	__pushboat_split
	while ((at < ${#words[@]})); do
		word=${words[at]}
		case $word in
		-[BbcDEeFIiJLlmOoPpQRSWw]) ((at += 2)) ;; # its value is the next word
		-*) ((at += 1)) ;;
		*)
			host=$word
			break
			;;
		esac
	done
	if [[ -z $host || $__pushboat_hosts != *" ${host##*@} "* ]]; then
		__pushboat_other "$@"
		return
	fi
	for word in "${words[@]:at+1}"; do
		[[ $word =~ ^[A-Za-z0-9./:=~^@_-]+$ ]] || return 0
	done
	local answer
	answer=$(__pushboat_ask "${words[@]:1:at-1}" "$host" complete -- "${words[@]:at+1}") || return 0
	COMPREPLY=()
	while IFS= read -r word; do
		[[ -n $word && $word == "$cur"* && ($word != -* || $cur == -*) ]] && COMPREPLY+=("$word")
	done <<<"$answer"
	return 0
}

# __pushboat_other completes everything else as before.
__pushboat_other() {
	if [[ -n $__pushboat_before ]] && declare -F "$__pushboat_before" >/dev/null; then
		"$__pushboat_before" "$@"
	else
		mapfile -t COMPREPLY < <(compgen -A hostname -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

if ! complete -p ssh >/dev/null 2>&1; then
	for __pushboat_load in _comp_load _completion_loader __load_completion; do
		declare -F "$__pushboat_load" >/dev/null && { "$__pushboat_load" ssh || true; } && break
	done
	unset __pushboat_load
fi
if [[ $(complete -p ssh 2>/dev/null) =~ -F\ ([A-Za-z0-9_]+) && ${BASH_REMATCH[1]} != __pushboat_ssh ]]; then
	__pushboat_before=${BASH_REMATCH[1]}
else
	__pushboat_before=${__pushboat_before-}
fi
complete -F __pushboat_ssh ssh
