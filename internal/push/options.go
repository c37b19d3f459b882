package push

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/trace"
	"github.com/pushboat/pushboat/internal/window"
)

// optionsHelp names the push options, for errors about them.
const optionsHelp = "the push options are plan, detach, force, skip, plain-secrets, take-over and confirm-prune=N; and override=\"REASON\", where a window is closed; and traceparent=PARENT, to go on with a trace"

// Spelling spells the remedies of problems for a pusher: as push options.
var Spelling = report.Door{
	Again: "push again", Force: "push with -o force", ConfirmPrune: "push with -o confirm-prune=",
	PlainSecrets: "-o plain-secrets stores it as it is", Skip: "-o skip stores the commit without deploying it",
	Override: `push with -o override="REASON"`,
}

// parseOptions parses the options of git push -o. It refuses unknown options and
// options given twice: a misspelt one must not deploy.
func parseOptions(words []string) (deploy.Options, manifest.Problems) {
	options := deploy.Options{ConfirmPrune: -1}
	flags := map[string]*bool{
		"plan": &options.Plan, "detach": &options.Detach, "force": &options.Force, "skip": &options.Skip,
		"plain-secrets": &options.PlainSecrets, "take-over": &options.TakeOver,
	}
	var problems manifest.Problems
	for _, word := range words {
		key, value, valued := strings.Cut(word, "=")
		flag, known := flags[key]
		switch {
		case known && !valued:
			*flag = true
		case key == "confirm-prune" && valued:
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				problems = append(problems, optionProblem(word, "wants a number: confirm-prune=12"))
				continue
			}
			options.ConfirmPrune = n
		case key == "traceparent":
			parent, err := trace.ParseParent(value)
			if err != nil {
				problems = append(problems, optionProblem("traceparent", err.Error()))
			}
			options.Trace = parent
		case key == "override":
			if err := window.CheckReason(value); err != nil {
				problems = append(problems, optionProblem("override", "has a reason that "+err.Error()))
			}
			options.Override = value
		default:
			problems = append(problems, optionProblem(word, "is not known"))
		}
	}
	if options.Skip && (options.Plan || options.Force || options.Override != "") {
		problems = append(problems, optionProblem("skip", "cannot be combined with plan or force, nor with override"))
	}
	if options.Skip && options.TakeOver {
		problems = append(problems, optionProblem("skip", "cannot be combined with take-over"))
	}
	return options, problems
}

func optionProblem(word, what string) manifest.Problem {
	return manifest.Problem{Message: fmt.Sprintf("push option %q %s", word, what), Hint: optionsHelp}
}
