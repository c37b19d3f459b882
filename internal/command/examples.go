package command

import "strings"

// examples has a call for each verb whose help has none yet, by the verb's words.
var examples = map[string]string{
	"help":              "help rollback",
	"whoami":            "whoami -o json",
	"version":           "version",
	"mcp":               "mcp --write",
	"status":            "status shop",
	"tree":              "tree shop --all",
	"drift":             "drift shop --since 2h",
	"apps":              "apps -o json",
	"plan":              "plan shop main~1",
	"sync":              "sync shop --confirm-prune 3",
	"check":             "check shop --full",
	"rollback":          "rollback shop shop-41 --plan",
	"diff":              "diff shop 41..42",
	"cancel":            "cancel shop",
	"resume":            "resume shop",
	"history":           "history shop -n 5",
	"events":            "events -f shop",
	"show":              "show shop-42",
	"secrets recipient": "secrets recipient",
	"secrets list":      "secrets list shop",
	"take-over":         "take-over shop --yes",
	"backup now":        "backup now",
	"drain":             "drain",
	"repo list":         "repo list -o json",
	"repo info":         "repo info shop",
	"repo create":       "repo create shop",
	"repo delete":       "repo delete shop --yes",
}

// example returns an example of the verb to paste; "" where its help has one.
func (v *verb) example() string {
	if strings.Contains(v.more, "Example: ") {
		return ""
	}
	return examples[v.words]
}
