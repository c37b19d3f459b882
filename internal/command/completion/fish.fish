# Completion in fish for: ssh HOST VERB ...
# Load it:  ssh HOST completion fish HOST | source

set -g __pushboat_hosts @HOSTS@

# __pushboat_at prints the place of the host among the words before the cursor.
function __pushboat_at
    set -l words (commandline -opc)
    set -l at 2
    while test $at -le (count $words)
        if string match -qr -- '^-[BbcDEeFIiJLlmOoPpQRSWw]$' $words[$at]
            set at (math $at + 2)
        else if string match -q -- '-*' $words[$at]
            set at (math $at + 1)
        else
            contains -- (string replace -r '.*@' '' -- $words[$at]) $__pushboat_hosts; and echo $at
            return
        end
    end
end

function __pushboat_here
    test -n "$(__pushboat_at)"
end

function __pushboat_ask
    set -l words (commandline -opc)
    set -l at (__pushboat_at)
    test -n "$at"; or return
    set -l before $words[(math $at + 1)..-1]
    for word in $before
        string match -qr -- '^[A-Za-z0-9./:=~^@_-]+$' $word; or return
    end
    set -l found (command ssh -T -o BatchMode=yes -o ConnectTimeout=2 -o ServerAliveInterval=1 -o ServerAliveCountMax=2 \
        $words[2..$at] complete -- $before </dev/null 2>/dev/null)
    if string match -q -- '-*' "$(commandline -ct)"
        printf '%s\n' $found
    else
        string match -v -- '-*' $found
    end
end

complete -c ssh -n __pushboat_here -f -a '(__pushboat_ask)'
