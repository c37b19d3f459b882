// Package git keeps bare repositories: it creates and lists them, runs the system's git
// to serve clones and pushes, reads revisions as an fs.FS (even while they are in
// quarantine), and appends commits with a compare-and-swap of their ref.
//
// Two programs share the work. The system's git does everything that writes: it
// receives packs, checks them (fsck), moves refs and creates commits. go-git only reads
// objects and refs, and is opened anew for each call, because a long-lived storage does
// not see packs that are pushed later. Nothing outside this package imports go-git or
// os/exec.
//
// These rules hold throughout the package:
//   - Only a name.Repo makes a path, and os.Root is the second wall.
//   - git gets an argument vector and an environment built from nothing; no
//     string from a client stands where git could take it for an option.
//   - Refs are moved by git, never by go-git (CVE-2026-71557).
//   - A repository's own config file is the server's, and what matters is
//     passed by -c anyway (CVE-2025-64111).
package git
