package script

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/rogpeppe/go-internal/testscript"
)

// screenLimit is how long a picture may take.
const screenLimit = 30 * time.Second

// cmdScreen waits until a terminal of 80 x 24 that has printed a file shows what matches a
// pattern, and prints the picture.
func cmdScreen(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] screen FILE PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	late := time.After(screenLimit * slow)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		shown := picture(ts, args[0])
		if pattern.MatchString(shown) != neg {
			fmt.Fprintln(ts.Stdout(), shown)
			return
		}
		select {
		case <-again.C:
		case <-late:
			ts.Fatalf("the screen does not come to that:\n%s", shown)
		}
	}
}

// picture is what a terminal shows that has printed a file.
func picture(ts *testscript.TestScript, file string) string {
	printed, err := os.ReadFile(ts.MkAbs(file))
	if err != nil { // its program has not begun
		return ""
	}
	terminal := vt.NewEmulator(80, 24)
	defer terminal.Close()
	_, err = terminal.Write(printed)
	ts.Check(err)
	lines := strings.Split(terminal.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
