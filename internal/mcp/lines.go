package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/time/rate"
)

// messagesPerSecond is how many messages of a client are read in a second, whatever they
// are. Others wait in the client: a session that is flooded costs nobody else.
const messagesPerSecond = 50

// lines is a client's end of the protocol: a JSON text a line, in both directions. It is the
// SDK's transport with limits: on a line, on the rate of lines, and on calls without an
// answer, which the SDK would put into a queue without end. A text with several
// messages, which older versions of the protocol had, is refused.
type lines struct {
	stream io.ReadWriter
	limits Limits
	rate   *rate.Limiter
	read   chan line
	over   context.Context // ends when nothing more is to be read
	end    context.CancelFunc

	mu   sync.Mutex              // guards writing, too
	open map[jsonrpc.ID]struct{} // calls without an answer
	none chan struct{}           // closed when there are none, while that is waited for; nil: nobody waits
}

// line is one that was read, or why there are no more.
type line struct {
	text []byte
	err  error
}

func newLines(stream io.ReadWriter, limits Limits) *lines {
	l := &lines{stream: stream, limits: limits, rate: rate.NewLimiter(messagesPerSecond, messagesPerSecond), read: make(chan line), open: map[jsonrpc.ID]struct{}{}}
	l.over, l.end = context.WithCancel(context.Background())
	return l
}

// Connect begins to read.
func (l *lines) Connect(context.Context) (sdk.Connection, error) {
	go l.scan()
	return l, nil
}

// SessionID is "": a session is as long as the stream.
func (l *lines) SessionID() string { return "" }

// Close ends reading.
func (l *lines) Close() error {
	l.end()
	return nil
}

// scan reads lines until there are no more. It may outlive the session, and then ends with
// the stream.
func (l *lines) scan() {
	scanner := bufio.NewScanner(l.stream)
	scanner.Buffer(nil, l.limits.Message)
	for l.rate.Wait(l.over) == nil && scanner.Scan() {
		if !l.pass(line{text: slices.Clone(scanner.Bytes())}) {
			return
		}
	}
	err := scanner.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("%w: it has more than %d bytes", ErrTooLong, l.limits.Message)
	case err == nil:
		err = io.EOF
	}
	l.pass(line{err: err})
}

func (l *lines) pass(one line) bool {
	select {
	case l.read <- one:
		return true
	case <-l.over.Done():
		return false
	}
}

// Read returns the next message that is within the limits. At the end of the input, it waits
// until all calls have their answers, for the SDK would give them up.
func (l *lines) Read(context.Context) (jsonrpc.Message, error) {
	for {
		var next line
		select {
		case next = <-l.read:
		case <-l.over.Done():
			return nil, io.EOF
		}
		if errors.Is(next.err, io.EOF) {
			l.settle()
		}
		if next.err != nil {
			return nil, next.err
		}
		if message := l.take(next.text); message != nil {
			return message, nil
		}
	}
}

// take reads a line. It answers by itself what is not to be handed on, and returns nil.
func (l *lines) take(text []byte) jsonrpc.Message {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil
	}
	if text[0] != '{' || !json.Valid(text) { // which limits its depth, too
		l.refuse(jsonrpc.ID{}, jsonrpc.CodeParseError, "a line has to be one JSON object")
		return nil
	}
	message, err := jsonrpc.DecodeMessage(text)
	if err != nil {
		l.refuse(jsonrpc.ID{}, jsonrpc.CodeInvalidRequest, "this is no message of JSON-RPC 2.0")
		return nil
	}
	request, ok := message.(*jsonrpc.Request)
	switch {
	case !ok || !request.IsCall():
		return message
	case request.Method == listen:
		l.refuse(request.ID, jsonrpc.CodeMethodNotFound, "nothing is told that was not asked for")
		return nil
	}
	if why := l.begin(request.ID); why != "" {
		l.refuse(request.ID, jsonrpc.CodeInvalidRequest, why)
		return nil
	}
	return message
}

// listen is the call that has no answer until the client ends it: it would hear that tools
// and prompts are others now, which they never are in a session.
const listen = "subscriptions/listen"

// begin notes a call, or says why there is no room for it. The SDK would not answer one with
// the id of another.
func (l *lines) begin(id jsonrpc.ID) (refusal string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch _, twice := l.open[id]; {
	case twice:
		return "another call with this id has no answer yet"
	case len(l.open) >= l.limits.Open:
		return fmt.Sprintf("%d calls have no answer yet; wait for one", l.limits.Open)
	}
	l.open[id] = struct{}{}
	return ""
}

// settleTime is how long to wait for answers after the end of the input: longer than any
// tool takes.
const settleTime = 5 * time.Minute

// settle waits until no call is without an answer.
func (l *lines) settle() {
	l.mu.Lock()
	none := make(chan struct{})
	if len(l.open) == 0 {
		close(none)
	} else {
		l.none = none
	}
	l.mu.Unlock()
	late := time.NewTimer(settleTime)
	defer late.Stop()
	select {
	case <-none:
	case <-late.C:
	case <-l.over.Done():
	}
}

// refuse answers a message that is not handed on.
func (l *lines) refuse(id jsonrpc.ID, code int64, why string) {
	_ = l.write(&jsonrpc.Response{ID: id, Error: &jsonrpc.Error{Code: code, Message: why}}, nil) // a client that is gone does not hear it
}

// Write sends a message.
func (l *lines) Write(_ context.Context, message jsonrpc.Message) error {
	answer, _ := message.(*jsonrpc.Response)
	return l.write(message, answer)
}

// write sends a message, which may be the answer to an open call.
func (l *lines) write(message jsonrpc.Message, answer *jsonrpc.Response) error {
	text, err := jsonrpc.EncodeMessage(message)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.stream.Write(append(text, '\n'))
	if answer != nil {
		delete(l.open, answer.ID)
	}
	if len(l.open) == 0 && l.none != nil {
		close(l.none)
		l.none = nil
	}
	return err
}
