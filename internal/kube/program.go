package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	authentication "k8s.io/client-go/pkg/apis/clientauthentication/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/pushboat/pushboat/internal/manifest"
)

// A kubeconfig may name a program that gives credentials (exec). client-go would run it with
// all of the server's environment, for as long as it takes, and pass its messages on to the
// server's own. So the server runs it by itself.

// Limits on programs that give credentials.
const (
	programWithin  = 30 * time.Second // of one run
	programDies    = 2 * time.Second  // after it was killed
	maxCredentials = 1 << 20          // bytes
	maxProgramWord = 300              // bytes of its messages in an error
	maxProgramArgs = 100
	maxProgramEnv  = 64
	maxProgramText = 32 << 10 // bytes of all arguments, or of all variables
)

// programs bounds how many of them run at once, for all clusters.
var programs = make(chan struct{}, 4)

// programPath is where they find other programs, wherever the server finds them.
const programPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// program is a program that gives credentials, with what a kubeconfig has it do.
type program struct {
	path   string // absolute
	args   []string
	env    []string // NAME=VALUE
	asks   string   // the apiVersion of its answer
	about  string   // what it is told, an ExecCredential in JSON
	within time.Duration
}

// name is the program's, for the print of a way; nothing of none.
func (p *program) name() []byte {
	if p == nil {
		return nil
	}
	return []byte(p.path)
}

// variableForm matches the names of variables, of at most maxVariable bytes.
var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

const maxVariable = 128

// ruling begin or are the names of variables that rule what a program runs, and not what
// it does: those of the loader, of shells, and of interpreters.
var ruling = []string{
	"PATH", "LD_*", "DYLD_*", "GLIBC_*", "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_*", "IFS", "ENV", "BASH*", "SHELLOPTS", "PS4",
	"PYTHON*", "PERL*", "RUBY*", "NODE_*", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "GODEBUG", "GOTRACEBACK", "KUBERNETES_EXEC_INFO",
}

func rules(variable string) bool {
	return slices.ContainsFunc(ruling, func(name string) bool {
		prefix, open := strings.CutSuffix(name, "*")
		return name == variable || open && strings.HasPrefix(variable, prefix)
	})
}

// programOf makes the program at a path do what a configuration says. Errors have nothing of
// its arguments, nor of the values of its variables.
func programOf(path string, cfg *rest.Config) (*program, error) {
	says := cfg.ExecProvider
	p := &program{path: path, args: says.Args, asks: says.APIVersion, within: programWithin}
	if !slices.Contains([]string{authentication.SchemeGroupVersion.String(), "client.authentication.k8s.io/v1beta1"}, p.asks) {
		return nil, fmt.Errorf("exec: the apiVersion %q is not known; write %s", manifest.Clean(p.asks), authentication.SchemeGroupVersion)
	}
	if err := p.take(says); err != nil {
		return nil, err
	}
	about := authentication.ExecCredential{}
	about.APIVersion, about.Kind = p.asks, "ExecCredential"
	if says.ProvideClusterInfo {
		cluster, err := rest.ConfigToExecCluster(cfg)
		if err != nil {
			return nil, errors.New("exec: what it is to be told of the cluster cannot be read")
		}
		about.Spec.Cluster = &authentication.Cluster{
			Server: cluster.Server, TLSServerName: cluster.TLSServerName, InsecureSkipTLSVerify: cluster.InsecureSkipTLSVerify,
			CertificateAuthorityData: cluster.CertificateAuthorityData, ProxyURL: cluster.ProxyURL, DisableCompression: cluster.DisableCompression,
			Config: runtime.RawExtension{Object: cluster.Config},
		}
	}
	text, err := json.Marshal(about)
	if err != nil {
		return nil, errors.New("exec: what it is to be told cannot be written")
	}
	p.about = string(text)
	return p, nil
}

// take checks and takes the arguments and the variables.
func (p *program) take(says *api.ExecConfig) error {
	size := 0
	for _, arg := range says.Args {
		size += len(arg)
	}
	if len(says.Args) > maxProgramArgs || size > maxProgramText || strings.Contains(strings.Join(says.Args, ""), "\x00") {
		return fmt.Errorf("exec: its args are more than %d, more than %d bytes, or no text", maxProgramArgs, maxProgramText)
	}
	size = 0
	for _, v := range says.Env {
		switch {
		case len(v.Name) > maxVariable || !variableForm.MatchString(v.Name):
			return fmt.Errorf("exec: %q is no name of a variable", manifest.Clean(v.Name))
		case rules(v.Name):
			return fmt.Errorf("exec: the variable %s is not given to programs: it would change what runs", v.Name)
		case strings.Contains(v.Value, "\x00"):
			return fmt.Errorf("exec: the value of %s is no text", v.Name)
		}
		size += len(v.Name) + len(v.Value)
		p.env = append(p.env, v.Name+"="+v.Value)
	}
	if len(says.Env) > maxProgramEnv || size > maxProgramText {
		return fmt.Errorf("exec: its env has more than %d variables, or more than %d bytes", maxProgramEnv, maxProgramText)
	}
	return nil
}

// run runs the program, and returns its answer. Its environment has nothing of the server's,
// and it reads nothing. If the time is over, it is killed with all that it has started.
func (p *program) run(ctx context.Context) (*authentication.ExecCredentialStatus, error) {
	select {
	case programs <- struct{}{}:
		defer func() { <-programs }()
	case <-ctx.Done():
		return nil, p.failed("it waited for others", "")
	}
	ctx, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Env = append([]string{programPath, "KUBERNETES_EXEC_INFO=" + p.about}, p.env...)
	cmd.Dir, cmd.WaitDelay = "/", programDies
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	answer, said := &bounded{limit: maxCredentials, strict: true}, &bounded{limit: 4 * maxProgramWord}
	cmd.Stdout, cmd.Stderr = answer, said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, p.failed(fmt.Sprintf("it did not end within %s", p.within), said.kept.String())
	case answer.over:
		return nil, p.failed(fmt.Sprintf("its answer has more than %d bytes", maxCredentials), "")
	case err != nil:
		return nil, p.failed(err.Error(), said.kept.String())
	}
	return p.read(answer.kept.Bytes())
}

// read reads an answer, of which no error has anything.
func (p *program) read(answer []byte) (*authentication.ExecCredentialStatus, error) {
	var read authentication.ExecCredential
	switch err := json.Unmarshal(answer, &read); {
	case err != nil || read.Kind != "ExecCredential":
		return nil, p.failed("its answer is no ExecCredential in JSON", "")
	case read.APIVersion != p.asks:
		return nil, p.failed("its answer has another apiVersion than "+p.asks, "")
	case read.Status == nil || read.Status.Token == "" && read.Status.ClientCertificateData == "":
		return nil, p.failed("its answer has neither a token nor a certificate", "")
	case (read.Status.ClientCertificateData == "") != (read.Status.ClientKeyData == ""):
		return nil, p.failed("its answer has a certificate without its key, or a key without a certificate", "")
	case strings.ContainsAny(read.Status.Token, "\r\n\x00"):
		return nil, p.failed("its token is no text in one line", "")
	}
	return read.Status, nil
}

// shortArg is the length from which an argument may be a secret, and is not shown.
const shortArg = 12

// failed is the error of a run: what the program said, without the values that it was given.
func (p *program) failed(why, said string) error {
	var hidden []string
	for _, v := range p.env {
		if _, value, _ := strings.Cut(v, "="); len(value) >= 4 {
			hidden = append(hidden, value)
		}
	}
	for _, arg := range p.args {
		if _, value, is := strings.Cut(arg, "="); is && len(value) >= 4 {
			hidden = append(hidden, value)
		}
		if len(arg) >= shortArg && !strings.HasPrefix(arg, "-") {
			hidden = append(hidden, arg)
		}
	}
	text := fmt.Sprintf("the program %q gives no credentials: %s", p.path, why)
	if said = strings.Join(strings.Fields(said), " "); said != "" {
		text += ": " + shorten(manifest.Clean(manifest.NewRedacter(hidden)(said)), maxProgramWord)
	}
	return errors.New(text)
}

// bounded keeps the beginning of what is written to it. A strict one takes no more. It must
// not have the buffer's other methods: a copy would go past the limit by them.
type bounded struct {
	kept   bytes.Buffer
	limit  int
	strict bool
	over   bool
}

var errTooMuch = errors.New("too much")

// Write implements io.Writer.
func (b *bounded) Write(text []byte) (int, error) {
	room := b.limit - b.kept.Len()
	if len(text) <= room {
		return b.kept.Write(text)
	}
	b.over = true
	b.kept.Write(text[:max(0, room)])
	if b.strict {
		return 0, errTooMuch
	}
	return len(text), nil
}
