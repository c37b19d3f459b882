// Package browser tests the pages with Chromium, a real server and a real API server, as
// people use them: with the mouse, with the keyboard alone, without scripts, on a narrow
// screen, and in a dark room. axe-core, in testdata, looks for what keeps people out.
package browser
