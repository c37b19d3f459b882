package deploy

import "testing"

func TestBellRingsOnceUntilSomebodyLooks(t *testing.T) {
	e := &Engine{}
	e.bell.ring() // nobody listens yet
	first, stop := e.Listen()
	second, _ := e.Listen()
	e.bell.ring()
	e.bell.ring()
	for name, listener := range map[string]<-chan struct{}{"first": first, "second": second} {
		if len(listener) != 1 {
			t.Errorf("the %s listener hears the bell %d times", name, len(listener))
		}
	}
	<-first
	stop()
	e.bell.ring()
	if len(first) != 0 {
		t.Error("a listener that has stopped still hears the bell")
	}
}
