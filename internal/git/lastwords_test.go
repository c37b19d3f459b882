package git

import (
	"context"
	"io"
	"os/exec"
	"testing"
)

// hearing is a run of git that has ended, of a client at a pipe; over is closed once the client has
// been heard.
func hearing(ctx context.Context, t *testing.T, program string, talk *Talk, gone chan struct{}) (client *io.PipeWriter, over <-chan struct{}) {
	t.Helper()
	in, client := io.Pipe()
	s := &serving{req: ServeRequest{Talk: talk, Gone: gone}, cmd: exec.CommandContext(t.Context(), program), words: in}
	_ = s.cmd.Run()
	fed, ended := make(chan struct{}), make(chan struct{})
	close(fed)
	go func() {
		defer close(ended)
		s.hearOut(ctx, fed)
		_ = in.Close() // as the end of a session does
	}()
	return client, ended
}

func talked(began, asks bool) *Talk {
	talk := &Talk{}
	talk.began.Store(began)
	talk.commands.Store(asks)
	return talk
}

// A client with nothing to push writes its push options behind the flush that ends git. Where the
// session was over before, it died of SIGPIPE.
func TestAClientThatAsksForNothingIsHeardToItsEnd(t *testing.T) {
	client, over := hearing(t.Context(), t, "true", talked(true, false), nil)
	for _, words := range []string{"0012plain-secrets\n", "0000"} {
		if _, err := io.WriteString(client, words); err != nil {
			t.Fatalf("write %q: %v", words, err)
		}
	}
	select {
	case <-over:
		t.Fatal("the client was not heard to its end")
	default:
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	<-over
}

func TestOtherClientsAreNotWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		program string
		talk    *Talk
	}{
		"one that pushes":           {"true", talked(true, true)},
		"one that has said nothing": {"true", talked(false, false)},
		"one that git has refused":  {"false", talked(true, false)},
		"one that clones":           {"true", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, over := hearing(t.Context(), t, test.program, test.talk, nil)
			<-over
		})
	}
	gone := make(chan struct{})
	_, over := hearing(t.Context(), t, "true", talked(true, false), gone)
	close(gone)
	<-over
	ending, end := context.WithCancel(t.Context())
	_, over = hearing(ending, t, "true", talked(true, false), nil)
	end()
	<-over
}
