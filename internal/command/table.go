package command

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
)

// Help on words that several verbs take.
const (
	revHelp = "REV is a branch, a tag, a commit by some of its digits, or an ancestor of one\n" +
		"as Git takes it: main~1, HEAD^.\n"
	objectHelp = "OBJECT is KIND/NAME or KIND/NAMESPACE/NAME, with the kind as kubectl takes it:\n" +
		"deploy/web, deployment/web, Deployment/shop/web, Deployment.apps/web.\n"
)

// verbs returns the table of verbs, in the order that help shows them.
func verbs() []*verb {
	return slices.Concat(seeing(), changing(), recorded(), keeping())
}

// seeing are the verbs that show callers, apps and objects.
func seeing() []*verb {
	return []*verb{
		{words: "", right: everybody, run: greet, help: "who you are, and what you can do"},
		{words: "help", right: everybody, args: "[VERB] [VERB]", help: "this list, or help on one verb", flags: output, run: help},
		{words: "whoami", right: everybody, help: "your name, key and role", flags: output, run: whoami},
		{words: "completion", right: everybody, args: "SHELL [HOST...]", help: "a script that completes calls in a shell", run: completion, more: completionHelp},
		{words: "complete", right: everybody, args: "[WORD...]", help: "the words that may come next, for completion", run: complete, more: completeHelp},
		{words: "web", right: everybody, help: "a link that logs a browser in to the pages", flags: webFlags, run: openWeb, more: webHelp},
		{words: "web sessions", right: everybody, help: "the browsers that are logged in; --end ends one", flags: webSessionsFlags, run: webSessions, more: webSessionsHelp},
		{words: "mcp", right: everybody, help: "verbs as tools for assistants (MCP)", flags: mcpFlags, endless: true, run: serveAssistant, more: mcpHelp},
		{words: "token create", right: access.MakeTokens, args: "[NAME]", help: "a token for programs that come to the API", flags: tokenCreateFlags, run: createToken, more: tokenCreateHelp},
		{words: "token list", right: everybody, help: "the tokens that are good: what for, how long, last used", flags: output, run: listTokens, more: tokenListHelp},
		{words: "token revoke", right: everybody, args: "TOKEN...", help: "end tokens at once", run: revokeTokens, more: tokenRevokeHelp},
		{words: "version", right: everybody, help: "the server's version", run: version},
		{words: "top", right: access.ReadDeploys, help: "the apps live on your screen: ssh -t HOST top", endless: true, run: showTop, more: topHelp},
		{
			words: "status", right: access.ReadDeploys, args: "[APP]", help: "what is deployed, and how it is", flags: statusFlags, endless: true, run: status,
			flagRights: map[string]access.Right{"server": access.ReadServer},
			more: "--watch keeps running until you end it, and reports changes as they happen.\n" +
				"Exits 1 if an app named with it is not in sync or not healthy.\n" +
				"--server shows the server itself, and takes the role read on all repositories.",
		},
		{
			words: "tree", right: access.ReadDeploys, args: "APP", help: "its objects down to pods: health and age", flags: treeFlags, run: tree,
			more: "Many healthy objects of one kind share a line; --all gives each its own.\n" +
				"It never shows an object's content.",
		},
		{words: "drift", right: access.ReadDeploys, args: "[APP]", help: "what differs from Git now, and did lately", flags: driftFlags, run: drift, more: driftHelp},
		{
			words: "orphans", right: access.ListOrphans, args: "NAMESPACE", help: "objects that no app wants and nothing owns",
			flags: orphansFlags, run: orphans, more: orphansHelp,
		},
		{words: "locks", right: access.ReadDeploys, help: "what is held now, since when and by whom", flags: output, run: locks, more: locksHelp},
		{words: "apps", right: access.ReadDeploys, help: "the apps: where they come from and go to", flags: output, run: apps},
		{
			words: "plan", right: access.ReadDeploys, args: "APP [REV]", help: "what deploying a revision would change", flags: output, run: plan,
			more: revHelp + "The default is the app's branch. Nothing is changed.",
		},
	}
}

// changing are the verbs that deploy, compare and correct, and that explain what they
// would do.
func changing() []*verb {
	return []*verb{
		{
			words: "sync", right: access.Sync, args: "APP", help: "deploy the newest revision, or deploy it again",
			also:  []form{{args: "--all", help: "the same for every app that you may deploy"}},
			flags: syncAppFlags, run: syncApp,
			more: "Shows the deploy until it ends, and exits 1 if it does not end well. With\n" +
				"--all, suspended apps are left out, and an app that fails stops no other.",
		},
		{
			words: "wait", right: access.ReadDeploys, args: "APP [REV]", help: "wait until a revision is deployed and healthy", flags: waitFlags, run: wait, more: waitHelp,
		},
		{
			words: "check", right: access.CheckApps, args: "[APP]", help: "compare with the cluster now, and correct drift",
			flags: checkFlags, run: check,
			more: "Without APP, every app that you may deploy. Differences are corrected, or\n" +
				"left, as the app's drift setting says. Exits 1 if a difference remains.",
		},
		{
			words: "rollback", right: access.Rollback, args: "APP [REV]", help: "take an app back to an earlier revision",
			flags: rollbackFlags, run: rollBack, flagRights: map[string]access.Right{"plan": access.ReadDeploys},
			more: revHelp + "It may also be a deploy (41 or shop-41); the default is the last good deploy\n" +
				"with other objects. A commit on the branch restores the app's folder as it\n" +
				"was there, and nothing else; it goes through the gate like a push.\n" +
				"Shows the deploy until it ends, and exits 1 if it does not end well.",
		},
		{
			words: "diff", right: access.ReadDeploys, args: "APP [A..B]", help: "what changed from one deploy to another", flags: output, run: diff,
			more: "A and B are deploys (41 or shop-41), or revisions: branches, tags, commits.\n" +
				"Deploys are compared as they were applied, revisions as they are rendered.\n" +
				"One deploy alone is compared with the one before, one revision with the\n" +
				"app's branch; without either, the newest deploy that changed an object.",
		},
		{
			words: "why", right: access.ReadDeploys, args: "APP OBJECT FIELD", help: "which lines decide a field, and who wrote them", flags: output, run: why,
			more: objectHelp + "FIELD is a path as in errors and plans. It works by trial: it changes one line\n" +
				"after another and renders the app, so it sees through patches, values and\n" +
				"templates.\n" +
				"Example: why shop Deployment/web .spec.replicas",
		},
		{
			words: "set-image", right: access.Deploy, args: "APP IMAGE [IMAGE...]", help: "commit another image, and deploy it", flags: amendFlags, run: setImage, more: setImageHelp,
		},
		{
			words: "set", right: access.Deploy, args: "APP OBJECT FIELD [VALUE...]", help: "commit another value, and deploy it",
			flags: amendFlags, run: setField, more: setFieldHelp, private: 3,
		},
		{words: "test", right: access.Test, args: "APP", help: "run the tests of an app's chart", flags: output, run: test, more: testHelp},
		{
			words: "suspend", right: access.Suspend, args: "APP [WORD...]", help: "leave an app alone until it is resumed",
			flags: suspendFlags, run: suspend,
			more: "Pushes are checked and stored, but not deployed; drift is shown, but not\n" +
				"corrected. The words say why. --until takes a duration (90m, 8h, 2d) or a\n" +
				"moment (2026-01-31 or 2026-01-31T18:00, in UTC).\n" +
				"Example: suspend shop --until 2h --reason moving the database",
		},
		{words: "release", right: access.Suspend, args: "APP [WORD...]", help: "leave what an app has to another tool", flags: releaseFlags, run: release, more: releaseHelp},
		{
			words: "cancel", right: access.Cancel, args: "APP", help: "end the wait of a running deploy", run: cancel,
			more: "Ends the wait for health, a wave, a hook, tests or other apps, and so the\n" +
				"deploy. A running apply comes to its end, and its objects stay; later steps\n" +
				"are left out until a push or sync. Nothing is reverted, and onFailure does not\n" +
				"roll back either. A hook's Job keeps running on the cluster. The removal of an\n" +
				"app is retried by itself. To stop later deploys as well, suspend the app.",
		},
		{words: "restart", right: access.Restart, args: "APP OBJECT", help: "replace the pods of an object", run: restart, flags: restartFlags, more: restartHelp},
		{
			words: "resume", right: access.Resume, args: "APP", help: "end a suspension, and deploy the pushed commits", run: resume,
			more: "Shows the deploy until it ends, and exits 1 if it does not end well.",
		},
	}
}

// recorded are the verbs that say what happened.
func recorded() []*verb {
	return []*verb{
		{words: "history", right: access.ReadDeploys, args: "APP", help: "the deploys of an app, newest first", flags: historyFlags, run: listHistory},
		{
			words: "events", right: access.ReadDeploys, args: "[APP]", help: "what happened: deploys, drift, health", flags: eventsFlags, endless: true, run: listEvents,
			more: "Since the server's start, newest last. -f follows new ones; with -o json, each\nis a line then.",
		},
		{words: "refused", right: access.ReadDeploys, args: "[ID]", help: "pushes that the gate has refused, and why", flags: output, run: refused, more: refusedHelp},
		{words: "show", right: access.ReadDeploys, args: "DEPLOY", help: "one deploy in full, such as shop-42", flags: output, run: show},
		{
			words: "logs", right: access.ReadDeploys, args: "DEPLOY", help: "the output of a deploy; -f follows a running one",
			also: []form{{args: "APP [OBJECT]", help: "the output of an app's containers", right: access.ReadLogs}}, flags: logsFlags, endless: true, run: logs, more: logsHelp,
		},
	}
}

// keeping are the verbs for repositories, keys and backups of the server.
func keeping() []*verb {
	return []*verb{
		{
			words: "secrets recipient", right: everybody, help: "the key to encrypt for, so that this server can decrypt", run: recipient, more: recipientHelp,
		},
		{words: "secrets list", right: access.ReadDeploys, args: "APP", help: "the names of an app's generated values", flags: output, run: listValues},
		{
			words: "secrets rotate", right: access.RotateSecrets, args: "APP [VALUE...]", help: "generate new values, and deploy them",
			flags: syncFlags, run: rotate, more: rotateHelp, namesValues: true,
		},
		{
			words: "secrets set", right: access.SetSecrets, args: "APP VALUE...", help: "set generated values, and deploy them",
			flags: syncFlags, run: setValues, more: setHelp, namesValues: true,
		},
		{
			words: "schema", right: everybody, args: "[FILE]", help: "the JSON schema of pushboat.yaml, for editors", run: schema, more: schemaHelp,
			also: []form{{args: "VERB [VERB]", help: "the schema of what a verb prints with -o json"}},
		},
		{
			words: "access explain", right: everybody, args: "WHO REPO [BRANCH]", help: "what somebody may do, and why", flags: output, run: explainAccess,
			more: "WHO is an operator, or yourself. Others than yourself take the role admin.\n" +
				"It ends with the grant of REPO: what it may deploy, whoever pushes to it.\n" +
				"Example: access explain ben shop main",
		},
		{
			words: "keys list", right: everybody, help: "your keys; those of all, if you are an admin", flags: output, run: listKeys,
			more: "Also the authorities whose certificates let you in, and the certificate that\n" +
				"you come with. It warns of keys that expire within 14 days. Keys are changed by\n" +
				"keys add and keys expire, by a push to the repository admin, or in the server's\n" +
				"key files. Example: keys list -o json",
		},
		{words: "keys add", right: access.Administer, args: "OPERATOR", help: "give an operator a key, read from the input", flags: addKeyFlags, run: addKey, more: addKeyHelp},
		{words: "keys expire", right: access.Administer, args: "FINGERPRINT", help: "end a key, now or later", flags: expireKeyFlags, run: expireKey, more: expireKeyHelp},
		{words: "cluster list", right: access.ReadServer, help: "the clusters: version, apps, labels", flags: output, run: listClusters, more: listClustersHelp},
		{words: "cluster info", right: access.ReadServer, args: "NAME", help: "one cluster: its apps, watches and requests", flags: output, run: clusterInfo, more: infoHelp},
		{words: "cluster test", right: access.ReadServer, args: "NAME", help: "try a cluster, and the server's rights there", flags: output, run: testCluster, more: tryHelp},
		{words: "cluster accept", right: access.AcceptCluster, args: "NAME", help: "deploy to another cluster of the same name", run: acceptCluster, more: acceptHelp},
		{words: "notify list", right: access.ReadServer, help: "who is told what happens, and how that goes", flags: output, run: listReceivers, more: listReceiversHelp},
		{words: "notify test", right: access.TestReceivers, args: "NAME", help: "send a receiver a message, to try it", flags: testReceiverFlags, run: testReceiver, more: testReceiverHelp},
		{words: "audit", right: access.ReadAudit, help: "who did what: decisions and changes of state", flags: auditFlags, run: listAudit, more: auditHelp},
		{words: "audit verify", right: access.ReadAudit, help: "find lines of the audit trail that are not as written", flags: output, run: verifyAudit, more: verifyHelp},
		{words: "doctor", right: access.Examine, help: "how the server itself is, and what to do about it", flags: output, run: examine, more: doctorHelp},
		{
			words: "take-over", right: access.TakeOver, args: "APP [REPOSITORY]", help: "assign an app on a cluster to this server",
			flags: takeOverFlags, run: takeOver,
			more: "For a server that replaces another one without its data directory, and\n" +
				"for an app whose objects another repository has left on the cluster. Those\n" +
				"that the app does not have are deleted by its next push or check: see plan\n" +
				"APP first.",
		},
		{words: "backup", right: access.Backup, help: "everything that the server keeps, in one file", flags: backupFlags, run: backUp, more: backupHelp},
		{words: "backup now", right: access.Backup, help: "make a backup in the bucket, and wait for it", run: backUpNow, more: backupNowHelp},
		{words: "drain", right: access.Drain, help: "stop the server when its current work has ended", run: drain, more: drainHelp},
		{words: "repo list", right: access.ReadRepo, help: "the repositories that you can see", flags: output, run: repoList},
		{words: "repo info", right: access.ReadRepo, args: "NAME", help: "a repository's branches and apps", flags: output, run: repoInfo},
		{words: "repo files", right: access.ReadRepo, args: "NAME [PATH]", help: "its files, and who deployed which line", flags: repoFilesFlags, run: repoFiles, more: repoFilesHelp},
		{
			words: "repo mirror", right: access.Administer, args: "NAME [URL]", help: "fetch a repository from elsewhere",
			flags: mirrorFlags, run: mirrorRepo, more: mirrorHelp,
		},
		{
			words: "repo alias", right: access.Administer, args: "[NAME] [URL]", help: "which repository here an address means",
			flags: aliasFlags, run: aliasRepo, more: aliasHelp,
		},
		{words: "repo fetch", right: access.Deploy, args: "NAME", help: "ask the upstream of a mirror now", flags: fetchFlags, run: fetchRepo, more: fetchHelp},
		{words: "repo send", right: access.Deploy, args: "NAME [REMOTE]", help: "send what is deployed to remotes now", flags: sendFlags, run: sendRepo, more: sendHelp},
		{words: "repo create", right: access.CreateRepo, args: "NAME", help: "create an empty repository; a push does so too", run: repoCreate},
		{
			words: "repo delete", right: access.DeleteRepo, args: "NAME", help: "delete a repository, its history and its records",
			flags: deleteFlags, run: repoDelete,
			more: "Refused while its apps have objects on a cluster, and without --yes.",
		},
	}
}

// IsVerb reports whether a word begins a verb, for programs where somebody gives a verb
// by mistake.
func IsVerb(word string) bool {
	for _, v := range verbs() {
		if first, _, _ := strings.Cut(v.words, " "); first == word && word != "" {
			return true
		}
	}
	return false
}
