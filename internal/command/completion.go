package command

import (
	"context"
	"embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

const completionHelp = "SHELL is bash, zsh or fish. The script completes ssh HOST VERB: it asks the\n" +
	"server for verbs, flags and names that you can see, without ever asking for a\n" +
	"password, and for 2 seconds at the most. HOST is the name by which you call the\n" +
	"server, such as one of ~/.ssh/config; left out: its address.\n" +
	"Example: source <(ssh HOST completion bash HOST)"

// scripts are the scripts of the shells.
//
//go:embed completion
var scripts embed.FS

// shells are those that completion has a script for.
var shells = []string{"bash", "fish", "zsh"}

// shellHost is a host as the scripts may contain it, of at most maxShellHost bytes.
var shellHost = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

const maxShellHost = 253

// maxHosts bounds the hosts of one script.
const maxHosts = 20

// completion prints the script by which a shell completes calls of this server.
func completion(_ context.Context, c *call) error {
	if !slices.Contains(shells, c.args[0]) {
		return usageError{fmt.Sprintf("%q: the shells are %s", manifest.Clean(c.args[0]), strings.Join(shells, ", "))}
	}
	hosts := c.args[1:]
	if len(hosts) == 0 {
		hosts = []string{hostIn(c.Fill("ssh HOST help"))}
	}
	text, err := completionScript(c.args[0], hosts)
	if err != nil {
		return err
	}
	if to, ok := c.Session.(addressed); ok {
		c.Session = to.Session // the script says HOST itself
	}
	_, err = io.WriteString(c, text)
	return err
}

// hostIn returns the host of a call: that of ssh -p 2222 git@example.org help.
func hostIn(call string) string {
	words := strings.Fields(call)
	return words[len(words)-2]
}

// completionScript is the script of a shell for calls of some hosts.
func completionScript(shell string, hosts []string) (string, error) {
	if len(hosts) > maxHosts {
		return "", usageError{fmt.Sprintf("at most %d hosts", maxHosts)}
	}
	names := make([]string, 0, len(hosts))
	for _, host := range hosts {
		bare := host[strings.LastIndexByte(host, '@')+1:]
		if len(bare) > maxShellHost || !shellHost.MatchString(bare) {
			return "", usageError{fmt.Sprintf("%q is no name of a host", manifest.Clean(host))}
		}
		names = append(names, bare)
	}
	file := "completion/" + shell + ".sh"
	if shell == "fish" {
		file = "completion/fish.fish"
	}
	text, err := scripts.ReadFile(file)
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(string(text), "@HOSTS@", strings.Join(names, " ")), nil
}
