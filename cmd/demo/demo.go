package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// demo is the state that the steps share. All its files are below dir:
//
//	cluster/      devcluster's state and kubeconfig
//	data/         the server's state
//	key, key.pub  the operator's key
//	ssh_config    how ssh reaches the server
//	known_hosts   the server's host key
//	shop/         the working copy
//	*.log         what the programs logged
type demo struct {
	out io.Writer
	bin string // absolute path of the programs' directory
	dir string

	programs []*program // running, in the order they were started
	cluster  *cluster
	commit   string // the commit of main that was accepted
}

// newDemo makes the temporary directory.
func newDemo(out io.Writer, bin string) (*demo, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pushboat-demo-")
	if err != nil {
		return nil, fmt.Errorf("make the demo's directory: %w", err)
	}
	return &demo{out: out, bin: bin, dir: dir}, nil
}

// path names a file below the demo's directory.
func (d *demo) path(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

// close stops the programs and removes the directory.
func (d *demo) close() error {
	return errors.Join(d.stopPrograms(), os.RemoveAll(d.dir))
}

// stopPrograms stops the programs, last first: the server may still need its cluster
// while it shuts down.
func (d *demo) stopPrograms() error {
	var errs []error
	for _, p := range slices.Backward(d.programs) {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// heading opens a step.
func (d *demo) heading(n, of int, title string) {
	fmt.Fprintf(d.out, "\n[%d/%d] %s\n\n", n, of, title)
}

// say prints one line.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, format+"\n", args...)
}

// printWhatToTry ends the demo with commands that work as they stand.
func (d *demo) printWhatToTry() {
	d.say(`
Everything is still running. In another terminal, try:

  cd %[1]s
  vi deploy/web-config.yaml
  git commit -am "Change the page" && git push
  git push -o plan                      # what would change

  ssh -F %[2]s pushboat help
  ssh -F %[2]s pushboat status shop
  ssh -F %[2]s pushboat history shop

  export KUBECONFIG=%[3]s
  kubectl -n shop get all               # if you have kubectl

Ctrl-C stops it all and removes %[4]s.`,
		quote(d.path("shop")), quote(d.path("ssh_config")), quote(d.kubeconfig()), d.dir)
}
