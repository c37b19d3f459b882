package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestNotReadyOnceStopping: a stopping server reports that it is stopping, and asks none of
// its parts, which may have stopped already.
func TestNotReadyOnceStopping(t *testing.T) {
	s := &server{disk: &remembered{ask: func(error) error {
		t.Error("the disk was tried")
		return nil
	}}}
	s.phase.Store(int32(stopping))
	answer := httptest.NewRecorder()
	s.answerReady(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Body.String() != "stopping\n" {
		t.Errorf("answered %d, %q", answer.Code, answer.Body.String())
	}
}

func TestTheDiskIsNotTriedAtWill(t *testing.T) {
	full := errors.New("no space left on device")
	tries := 0
	disk := remembered{ask: func(error) error {
		tries++
		return full
	}}
	now := time.Now()
	for range 5 {
		if err := disk.state(now); !errors.Is(err, full) {
			t.Errorf("the disk is %v", err)
		}
	}
	if tries != 1 {
		t.Errorf("five probes of one moment tried the disk %d times", tries)
	}
	full = nil
	if err := disk.state(now.Add(diskFor)); err != nil || tries != 2 {
		t.Errorf("after %s: %v, %d tries", diskFor, err, tries)
	}
}

// TestTheDiskIsTriedUnderNoLock: no lock is held during the try, and callers that ask
// meanwhile share its result.
func TestTheDiskIsTriedUnderNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		now, tries, answers := time.Now(), 0, make(chan error, 3)
		var disk remembered
		disk.ask = func(former error) error {
			if tries++; tries == 1 {
				for range cap(answers) {
					go func() { answers <- disk.state(now) }()
				}
				synctest.Wait()
			}
			if stands, known := disk.answer(now); !errors.Is(known, former) || stands {
				t.Errorf("known during the try: %v, %v", known, stands)
			}
			return full
		}
		if err := disk.state(now); !errors.Is(err, full) {
			t.Errorf("the disk is %v", err)
		}
		for range cap(answers) {
			if err := <-answers; !errors.Is(err, full) {
				t.Errorf("for a caller during the try, the disk is %v", err)
			}
		}
		if tries != 1 {
			t.Errorf("tried %d times", tries)
		}
	})
}
