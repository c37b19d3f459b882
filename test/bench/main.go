// Command bench measures Pushboat's promises, each figure next to its reference from the
// same run: with real git pushes over ssh to the real server, on a real API server
// (bin/devcluster) whose own audit log counts the requests. `make bench` runs it;
// docs/benchmarks.md has a result and explains the rows.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// settings are the flags of the command line.
type settings struct {
	only   string
	rounds int
	fleet  int
	many   int
	herd   int
	bin    string
	keep   bool

	profiles string
}

func main() {
	var s settings
	flag.StringVar(&s.only, "only", "", "rows to run, separated by commas; empty: all but the scale rows")
	flag.IntVar(&s.rounds, "rounds", 0, "rounds of each row; 0: the row's own number")
	flag.IntVar(&s.fleet, "fleet", 1000, "apps, and repositories, of the rows that have many")
	flag.IntVar(&s.many, "many", 10_000, "objects of the app that has many, a multiple of 200")
	flag.IntVar(&s.herd, "herd", 10_000, "apps of the rows of pages, a multiple of 1,000 or less than that")
	flag.StringVar(&s.bin, "bin", "bin", "directory of pushboat, pushboat-hook and devcluster")
	flag.BoolVar(&s.keep, "keep", false, "keep the directory of the run, with all logs")
	flag.StringVar(&s.profiles, "profiles", "", "directory for profiles of the server, of the fleet rows and no-op-check")
	flag.Usage = usage
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: make bench [ONLY=row,row] [ROUNDS=n] [FLEET=n] [HERD=n]")
	flag.PrintDefaults()
	fmt.Fprintln(os.Stderr, "rows:")
	for _, r := range rows {
		fmt.Fprintf(os.Stderr, "  %-19s %s\n", r.name, r.title)
	}
}

// run measures the rows in order. It prints each as soon as it is measured, and all of them
// as a table at the end.
func run(ctx context.Context, s settings) (err error) {
	chosen, err := choose(s.only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pushboat-bench-")
	if err != nil {
		return err
	}
	if !s.keep {
		defer os.RemoveAll(dir)
	}
	if s.bin, err = filepath.Abs(s.bin); err != nil {
		return err
	}
	fmt.Println(describeMachine(s.bin))
	b := &bench{settings: s, dir: dir}
	defer b.close()
	var results []*result
	for _, r := range chosen {
		fmt.Fprintf(os.Stderr, "measuring %s: %s\n", r.name, r.title)
		result, err := b.measure(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w\n(ONLY=%s repeats it, -keep keeps the logs)", r.name, err, r.name)
		}
		fmt.Println(result)
		results = append(results, result)
	}
	fmt.Println(table(results))
	return nil
}

// choose finds the rows that were asked for.
func choose(only string) ([]row, error) {
	var chosen []row
	for _, r := range rows {
		if only == "" && r.byDefault {
			chosen = append(chosen, r)
		}
	}
	if only == "" {
		return chosen, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		found := false
		for _, r := range rows {
			if r.name == name || r.group == name {
				chosen, found = append(chosen, r), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no row is named %q; bench -h lists the rows", name)
		}
	}
	return chosen, nil
}

// bench runs rows. Those of one group share a cluster and a server. Each group starts fresh
// ones, so that the leftovers of one group do not disturb another.
type bench struct {
	settings settings
	dir      string
	lab      *lab
}

func (b *bench) measure(ctx context.Context, r row) (*result, error) {
	if b.lab == nil || b.lab.group != r.group {
		b.close()
		lab, err := openLab(ctx, b.settings, filepath.Join(b.dir, r.group), r.group)
		if err != nil {
			return nil, err
		}
		b.lab = lab
	}
	result, err := r.measure(ctx, b.lab)
	if result != nil {
		result.row = r
	}
	return result, err
}

func (b *bench) close() {
	if b.lab != nil {
		b.lab.close()
		b.lab = nil
	}
}
