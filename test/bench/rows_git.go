package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A repository of 100 MB, in files that do not compress.
const (
	bigFiles  = 20
	bigFileMB = 5
)

// gitTransfer pushes a big repository to a branch that deploys nothing, and clones it, from
// both servers.
func gitTransfer(ctx context.Context, l *lab) (*result, error) {
	pushes := map[string]*series{ours: {of: "push"}, plain: {of: "push " + l.plainWords()}}
	clones := map[string]*series{ours: {of: "clone"}, plain: {of: "clone " + l.plainWords()}}
	for i := range l.rounds(4) {
		w, err := l.bigRepository(ctx, fmt.Sprintf("big-%d", i))
		if err != nil {
			return nil, err
		}
		for _, remote := range inTurn(i) {
			start := time.Now()
			if _, err := w.git(ctx, "push", remote, "main:data"); err != nil {
				return nil, err
			}
			pushes[remote].add(time.Since(start))
		}
		for _, remote := range inTurn(i) {
			took, err := w.clone(ctx, remote)
			if err != nil {
				return nil, err
			}
			clones[remote].add(took)
		}
		if err := os.RemoveAll(w.dir); err != nil {
			return nil, err
		}
	}
	r := &result{}
	for _, s := range []struct {
		what string
		by   map[string]*series
	}{{"push", pushes}, {"clone", clones}} {
		r.series = append(r.series, s.by[ours], s.by[plain])
		r.fact(fact{
			what: "speed of the " + s.what, value: s.by[plain].median() / s.by[ours].median(), goal: atLeast, limit: 0.95,
		})
	}
	return r, nil
}

// bigRepository commits random files.
func (l *lab) bigRepository(ctx context.Context, name string) (*workingCopy, error) {
	files := map[string]string{}
	for i := range bigFiles {
		data := make([]byte, bigFileMB<<20)
		_, _ = rand.Read(data) // never fails, see its documentation
		files["data-"+strconv.Itoa(i)] = string(data)
	}
	return l.workingCopy(ctx, name, files)
}

// clone clones the repository without a work tree, and removes the clone.
func (w *workingCopy) clone(ctx context.Context, remote string) (time.Duration, error) {
	url, err := w.git(ctx, "remote", "get-url", remote)
	if err != nil {
		return 0, err
	}
	to := w.lab.path("work", "clone")
	start := time.Now()
	_, err = w.git(ctx, "clone", "-q", "--bare", "--branch", "data", url[:len(url)-1], to)
	if err != nil {
		return 0, err
	}
	return time.Since(start), os.RemoveAll(to)
}

// base64Of returns a number as binaryData writes it.
func base64Of(n int) string { return base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(n))) }
