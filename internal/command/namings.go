package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render"
)

// harmless matches what a shell takes as it is.
var harmless = regexp.MustCompile(`^[a-zA-Z0-9_./:@%+=,-]+$`)

// inShell is a text as one word of a shell.
func inShell(text string) string {
	if harmless.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// nameHint is the next thing to try for whoever wants another text where a name is replaced that another
// line gives its value: to change it there. wanted is "" where it is not known. The hint is "" if no
// name is.
func nameHint(reason deploy.Reason, wanted string) string {
	at := slices.IndexFunc(reason.Causes, func(c render.Cause) bool { return c.Gives != nil })
	if at < 0 {
		return ""
	}
	cause, n := reason.Causes[at], reason.Causes[at].Gives
	value, known := n.Needs(wanted)
	if !known {
		value = "VALUE"
	}
	value = manifest.Clean(value)
	own := "" // the line with the name
	if at := slices.IndexFunc(reason.Causes, func(c render.Cause) bool { return c.Gives == nil }); at >= 0 {
		own = reason.Causes[at].String()
	}
	from := n.From
	switch {
	case from.Kind == "" && !known && own != "":
		return fmt.Sprintf("${%s} stands for what %s gives it; write another value there, or change %s, in a commit of your own", n.Name, cause.Source, own)
	case from.Kind == "":
		return fmt.Sprintf("${%s} stands for what %s gives it; write %s there, in a commit of your own", n.Name, cause.Source, value)
	case from.Secret || from.Kind == manifest.SecretKind.Kind:
		hint := fmt.Sprintf("${%s} stands for a value of %s; ", n.Name, from.Origin())
		if from.By == "" {
			return hint + fmt.Sprintf("change it on the cluster: kubectl -n %s edit secret %s", inShell(from.Namespace), inShell(from.Name))
		}
		return hint + fmt.Sprintf("change it in %s, in a commit of your own: sops edit %s", cause.Source, inShell(cause.File))
	case from.By == "":
		return fmt.Sprintf("${%s} stands for a value of %s of the cluster, which no app makes; change it there: kubectl -n %s edit configmap %s", n.Name, from.Origin(), inShell(from.Namespace), inShell(from.Name))
	}
	return fmt.Sprintf("${%s} stands for a value of %s of app %s, at %s; change it there, for all that use it: ssh HOST set %s %s data.%s %s",
		n.Name, from.Origin(), from.By, cause.Source, from.By, inShell("ConfigMap/"+from.Namespace+"/"+from.Name), n.Name, inShell(value))
}
