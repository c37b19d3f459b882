// Package converge tests that the cluster comes to match Git, whatever happens.
//
// TestConverge makes random pushes, hand edits, crashes and cuts, one after the other,
// against a real server and a real API server. After each round of them everything must be
// in place, nothing left over, and nothing of anybody else touched.
//
// TestSoak (make soak) makes faults while writers push without end, to one server and to a
// pair that stand by for each other, by turns:
//
//   - faults_test.go is the table of faults; what each does, when it is over, how it is undone.
//   - fleet_test.go runs the servers, as a service manager does; ending_test.go says how
//     each may end.
//   - writer_test.go pushes; ledger_test.go is what the clients were told of that.
//   - refs_test.go, writes_test.go, inventory_test.go and backup_test.go are the witnesses:
//     Git's own refs and reflogs, the API server's audit log (each process of a server has a
//     user of its own there), the epochs on inventories, and what backups restore.
//   - judges_test.go has each of them find what is wrong.
//
// After every few faults all is left to become quiet, and held to what must be so then. A
// failure names the fault before it; with the same seed and as many faults, the same ones
// are drawn again.
package converge
