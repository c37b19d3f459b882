package command

import (
	"slices"
	"strings"
)

// What several verbs say of the words that they take.
const (
	revHelp = "REV is a branch, a tag, a commit by some of its digits, or an ancestor of one\n" +
		"as Git takes it: main~1, HEAD^.\n"
	objectHelp = "OBJECT is KIND/NAME or KIND/NAMESPACE/NAME, with the kind as kubectl takes it:\n" +
		"deploy/web, deployment/web, Deployment/shop/web.\n"
)

// verbs returns the table of verbs, in the order that help shows them.
func verbs() []*verb {
	return slices.Concat(seeing(), changing(), recorded(), keeping())
}

// seeing are the verbs that show callers, apps and objects.
func seeing() []*verb {
	return []*verb{
		{words: "", run: greet, help: "who you are, and what you can do"},
		{words: "help", args: "[VERB] [VERB]", help: "this list, or help on one verb", run: help},
		{words: "whoami", help: "your name, key and role", flags: output, run: whoami},
		{words: "version", help: "the server's version", run: version},
		{
			words: "status", args: "[APP]", help: "what is deployed, and how it is", flags: statusFlags, endless: true, run: status,
			more: "--watch goes on until you end it, and looks when something happens.\n" +
				"Exits 1 if an app named with it is not in sync or not healthy.\n" +
				"--server shows the server itself, and takes the role read on all repositories.",
		},
		{
			words: "tree", args: "APP", help: "its objects down to pods: health and age", flags: treeFlags, run: tree,
			more: "Many objects of one kind that are well are one line; --all has a line for each.\n" +
				"Of no object the content is shown.",
		},
		{words: "apps", help: "the apps: where they come from and go to", flags: output, run: apps},
		{
			words: "plan", args: "APP [REV]", help: "what deploying a revision would change", run: plan,
			more: revHelp + "The app's branch if left out. Nothing is changed.",
		},
	}
}

// changing are the verbs that deploy, compare and correct, and that explain what they
// would do.
func changing() []*verb {
	return []*verb{
		{
			words: "sync", args: "APP", help: "deploy the newest revision, or deploy it again",
			also:  []form{{"--all", "the same for every app that you may deploy"}},
			flags: syncAppFlags, run: syncApp,
			more: "Shows the deploy until it ends, and exits 1 if it does not end well. With\n" +
				"--all, apps that are suspended are left out, and one that fails stops no other.",
		},
		{
			words: "wait", args: "APP [REV]", help: "wait until a revision is deployed and healthy", flags: waitFlags, run: wait, more: waitHelp,
		},
		{
			words: "check", args: "[APP]", help: "compare with the cluster now, and correct drift",
			flags: checkFlags, run: check,
			more: "Every app that you may deploy, if none is named. What differs is corrected, or\n" +
				"left, as the app's drift setting says. Exits 1 if something differs and is left.",
		},
		{
			words: "rollback", args: "APP [REV]", help: "take an app back to an earlier revision",
			flags: rollbackFlags, run: rollBack,
			more: revHelp + "It may also be a deploy (41 or shop-41), and is the last good deploy that\n" +
				"differs if left out. A commit on the branch restores the app's folder as it\n" +
				"was there, and nothing else; it goes through the gate as a push.\n" +
				"Shows the deploy until it ends, and exits 1 if it does not end well.",
		},
		{
			words: "diff", args: "APP [A..B]", help: "what changed from one deploy to another", flags: output, run: diff,
			more: "A and B are deploys (41 or shop-41), or revisions: branches, tags, commits.\n" +
				"Deploys are compared as they were applied, revisions as they are rendered.\n" +
				"One deploy alone is compared with the one before, one revision with the\n" +
				"app's branch; without either, the newest deploy that changed an object.",
		},
		{
			words: "why", args: "APP OBJECT FIELD", help: "which lines decide a field, and who wrote them", flags: output, run: why,
			more: objectHelp + "FIELD is a path as errors and plans have it. Found by trial: the app is rendered with one line changed after the\n" +
				"other, so patches, values, generators and templates are all seen through.\n" +
				"Example: why shop Deployment/web .spec.replicas",
		},
		{words: "test", args: "APP", help: "run the tests of an app's chart", flags: output, run: test, more: testHelp},
		{
			words: "suspend", args: "APP [WORD...]", help: "leave an app alone until it is resumed",
			flags: suspendFlags, run: suspend,
			more: "Pushes are checked and stored, but not deployed; drift is shown, but not\n" +
				"corrected. The words say why. --until takes a duration (90m, 8h, 2d) or a\n" +
				"moment (2026-01-31 or 2026-01-31T18:00, in UTC).\n" +
				"Example: suspend shop --until 2h --reason moving the database",
		},
		{
			words: "cancel", args: "APP", help: "end the wait of a deploy that goes on", run: cancel,
			more: "Ends the wait for health, a wave, a hook, tests or other apps, and so the deploy.\n" +
				"What is being applied is applied to its end, and stays; what would come after the\n" +
				"wait is not done, until a push or sync. Nothing is taken back, and onFailure does\n" +
				"not take the app back either. A hook's Job goes on on the cluster. The removal of\n" +
				"an app is tried again by itself. To stop later deploys as well, suspend the app.",
		},
		{
			words: "resume", args: "APP", help: "end a suspension, and deploy what has been pushed", run: resume,
			more: "Shows the deploy until it ends, and exits 1 if it does not end well.",
		},
	}
}

// recorded are the verbs that say what happened.
func recorded() []*verb {
	return []*verb{
		{words: "history", args: "APP", help: "the deploys of an app, newest first", flags: historyFlags, run: listHistory},
		{
			words: "events", args: "[APP]", help: "what happened: deploys, drift, health", flags: eventsFlags, endless: true, run: listEvents,
			more: "Since the server's start, newest last. -f goes on with those that come; with\n-o json each is a line then.",
		},
		{words: "show", args: "DEPLOY", help: "one deploy in full, such as shop-42", flags: output, run: show},
		{
			words: "logs", args: "DEPLOY", help: "the lines of a deploy; -f follows one that goes on",
			also: []form{{"APP [OBJECT]", "what the containers of an app print"}}, flags: logsFlags, endless: true, run: logs, more: logsHelp,
		},
	}
}

// keeping are the verbs for repositories, keys and backups of the server.
func keeping() []*verb {
	return []*verb{
		{
			words: "secrets recipient", help: "the key to encrypt for, so that this server can decrypt", run: recipient, more: recipientHelp,
		},
		{words: "secrets list", args: "APP", help: "its values that are generated once, by name alone", flags: output, run: listValues},
		{
			words: "secrets rotate", args: "APP [VALUE...]", help: "make generated values anew, and deploy them",
			flags: syncFlags, run: rotate, more: rotateHelp,
		},
		{
			words: "secrets set", args: "APP VALUE...", help: "give values instead of generated ones, and deploy",
			flags: syncFlags, run: setValues, more: setHelp,
		},
		{
			words: "schema", help: "the JSON schema of pushboat.yaml, for editors", run: schema,
			more: "Example: ssh HOST schema > pushboat.schema.json, and as the first line of\n" +
				"pushboat.yaml: # yaml-language-server: $schema=pushboat.schema.json",
		},
		{
			words: "take-over", args: "APP [REPOSITORY]", help: "make an app on a cluster this server's",
			flags: takeOverFlags, run: takeOver,
			more: "For a server that takes another one's place without its data directory, and\n" +
				"for an app that another repository has left with prune: false. What the app\n" +
				"does not have is deleted by its next push or check: look at plan APP first.",
		},
		{words: "backup", help: "all that the server keeps, to a file", flags: backupFlags, run: backUp, more: backupHelp},
		{words: "drain", help: "stop the server when what it is doing has ended", run: drain, more: drainHelp},
		{words: "repo list", help: "the repositories that you can see", flags: output, run: repoList},
		{words: "repo info", args: "NAME", help: "a repository's branches and apps", flags: output, run: repoInfo},
		{words: "repo create", args: "NAME", help: "make an empty repository; a push makes one too", run: repoCreate},
		{
			words: "repo delete", args: "NAME", help: "delete a repository, its history and its records",
			flags: deleteFlags, run: repoDelete,
			more: "Refused while its apps have objects on a cluster, and without --yes.",
		},
	}
}

// IsVerb reports whether a word begins a verb, for programs that are given one
// where it does not work.
func IsVerb(word string) bool {
	for _, v := range verbs() {
		if first, _, _ := strings.Cut(v.words, " "); first == word && word != "" {
			return true
		}
	}
	return false
}
