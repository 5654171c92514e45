package policy_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// TestAskedOnce: the same question is put once, whoever wants it, and another
// change is another question.
func TestAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, scope := range []policy.Scope{policy.No, policy.Once, policy.Session} {
			var asked atomic.Int32
			answer := make(chan struct{})
			k := asker(t, policy.Default(), func(context.Context, policy.Question) (policy.Answer, error) {
				asked.Add(1)
				<-answer
				return policy.Answer{Scope: scope}, nil
			})
			var wg sync.WaitGroup
			want := func(text string) {
				r := request(guard.Write, "a")
				r.Change = &guard.Change{After: []byte(text), Size: int64(len(text))}
				if err := k.Check(context.Background(), r); (err == nil) != (scope != policy.No) {
					t.Errorf("scope %d: %v", scope, err)
				}
			}
			for range 5 {
				wg.Go(func() { want("same") })
			}
			synctest.Wait()
			if n := asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
			wg.Go(func() { want("other") })
			synctest.Wait()
			if n := asked.Load(); n != 2 {
				t.Errorf("another change: asked %d times", n)
			}
			close(answer)
			wg.Wait()
			if n := asked.Load(); n != 2 {
				t.Errorf("scope %d: who waited was asked again: %d times", scope, n)
			}
		}
	})
}

// TestAskerLeaves: when who asked is gone, the next one asks.
func TestAskerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		k := asker(t, policy.Default(), func(ctx context.Context, _ policy.Question) (policy.Answer, error) {
			if asked.Add(1) == 1 {
				<-ctx.Done()
				return policy.Answer{}, ctx.Err()
			}
			return policy.Answer{Scope: policy.Once}, nil
		})
		first, leave := context.WithCancel(context.Background())
		third, away := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := k.Check(first, request(guard.Write, "a")); !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if err := k.Check(context.Background(), request(guard.Write, "a")); err != nil {
				t.Errorf("who waited: %v", err)
			}
		})
		wg.Go(func() {
			if err := k.Check(third, request(guard.Write, "a")); !errors.Is(err, context.Canceled) {
				t.Errorf("who did not wait: %v", err)
			}
		})
		synctest.Wait()
		away()
		synctest.Wait()
		leave()
		wg.Wait()
		if asked.Load() != 2 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}
