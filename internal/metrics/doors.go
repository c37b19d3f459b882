package metrics

import "github.com/pushboat/pushboat/internal/sshd"

// ofGit are the metrics of Git's programs.
var ofGit = []Metric{
	{
		Name: "pushboat_git_processes", Type: Gauge, Labels: with("service"),
		Meaning: "Git programs at work, by service: git-receive-pack (pushes), git-upload-pack (clones), git-upload-archive, own (short commands of the server itself).",
		read:    func(s *scrape) []sample { return byKey(s.parts.Repos.Counts().Running) },
	},
	{
		Name: "pushboat_git_processes_ended_total", Type: Counter, Labels: with("service"),
		Meaning: "Git programs that have come to their end, by service as above.",
		read:    func(s *scrape) []sample { return byKey(s.parts.Repos.Counts().Ended) },
	},
	{
		Name: "pushboat_git_received_bytes_total", Type: Counter,
		Meaning: "Bytes from clients to Git.",
		read:    func(s *scrape) []sample { return []sample{value(float64(s.parts.Repos.Counts().Received))} },
	},
	{
		Name: "pushboat_git_sent_bytes_total", Type: Counter,
		Meaning: "Bytes from Git to clients.",
		read:    func(s *scrape) []sample { return []sample{value(float64(s.parts.Repos.Counts().Sent))} },
	},
}

// ofDoors are the metrics of the SSH door.
var ofDoors = []Metric{
	{
		Name: "pushboat_ssh_connections", Type: Gauge,
		Meaning: "Open ssh connections.",
		read:    func(s *scrape) []sample { return []sample{value(float64(s.parts.SSH.Counts().Connections))} },
	},
	{
		Name: "pushboat_ssh_connections_unauthenticated", Type: Gauge,
		Meaning: "Of them, those that have not logged in.",
		read:    func(s *scrape) []sample { return []sample{value(float64(s.parts.SSH.Counts().Unauthenticated))} },
	},
	{
		Name: "pushboat_ssh_logins_total", Type: Counter, Labels: with("outcome"),
		Meaning: "Logins, by outcome: accepted, refused.",
		read: func(s *scrape) []sample {
			counts := s.parts.SSH.Counts()
			return []sample{value(float64(counts.Logins), "accepted"), value(float64(counts.Refusals), "refused")}
		},
	},
	{
		Name: "pushboat_ssh_sessions", Type: Gauge, Labels: with("kind"),
		Meaning: "Running ssh sessions, by kind: git, command.",
		read:    ofSessions(func(of sshd.Sessions) int64 { return of.Running }),
	},
	{
		Name: "pushboat_ssh_sessions_total", Type: Counter, Labels: with("kind"),
		Meaning: "Sessions that have begun, by kind as above.",
		read:    ofSessions(func(of sshd.Sessions) int64 { return of.Begun }),
	},
}

func ofSessions(n func(sshd.Sessions) int64) func(*scrape) []sample {
	return func(s *scrape) []sample {
		counts := s.parts.SSH.Counts()
		return []sample{value(float64(n(counts.Git)), "git"), value(float64(n(counts.Command)), "command")}
	}
}
