// Package git keeps bare repositories: it creates and lists them, lets the
// system's git serve clones and pushes, reads revisions as an fs.FS (also
// while they are still in quarantine), and appends commits with a
// compare-and-swap of their ref.
//
// Two programs share the work. The system's git does everything that writes:
// it receives packs, checks them (fsck), moves refs and makes commits. go-git
// only ever reads objects and refs, opened anew for each call, because a
// long-lived storage does not see packs that are pushed later. Nothing outside
// this package imports go-git or os/exec.
//
// Rules that hold everywhere here:
//   - Only a name.Repo makes a path, and os.Root is the second wall.
//   - git gets an argument vector and an environment built from nothing; no
//     string from a client stands where git could take it for an option.
//   - Refs are moved by git, never by go-git (CVE-2026-71557).
//   - A repository's own config file is the server's, and what matters is
//     passed by -c anyway (CVE-2025-64111).
package git
