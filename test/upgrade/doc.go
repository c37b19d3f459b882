// Package upgrade checks that people who push do not notice a rolling upgrade. Two servers
// share a data directory and a lease. They are stopped and started again, one after the
// other, while loops of git push run: six of them in "make test", twenty in "make soak".
package upgrade
