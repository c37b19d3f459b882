# Completion in zsh for: ssh HOST VERB ...
# Load it after compinit:  source <(ssh HOST completion zsh HOST)

typeset -ga __pushboat_hosts=(@HOSTS@)

__pushboat_ssh() {
	local at=2 host='' word answer
	local -a found
	while (( at < CURRENT )); do
		word=${words[at]}
		case $word in
		-[BbcDEeFIiJLlmOoPpQRSWw]) (( at += 2 )) ;;
		-*) (( at += 1 )) ;;
		*) host=$word; break ;;
		esac
	done
	if [[ -z $host || ${__pushboat_hosts[(Ie)${host##*@}]} -eq 0 ]]; then
		_ssh "$@"
		return
	fi
	for word in "${(@)words[at+1,CURRENT-1]}"; do
		[[ $word =~ '^[A-Za-z0-9./:=~^@_-]+$' ]] || return 1
	done
	answer=$(command ssh -T -o BatchMode=yes -o ConnectTimeout=2 -o ServerAliveInterval=1 -o ServerAliveCountMax=2 \
		"${(@)words[2,at-1]}" "$host" complete -- "${(@)words[at+1,CURRENT-1]}" </dev/null 2>/dev/null) || return 1
	found=("${(@f)answer}")
	[[ ${words[CURRENT]} == -* ]] || found=("${(@)found:#-*}")
	compadd -a found
}

autoload -Uz _ssh
compdef __pushboat_ssh ssh
