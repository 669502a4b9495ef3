package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// election has two candidates for one lease; the first one to lead gives up.
func (s *story) election() {
	var mutex sync.Mutex
	var leaders []string
	led := func(wanted int) func() (bool, error) {
		return func() (bool, error) {
			mutex.Lock()
			defer mutex.Unlock()
			return len(leaders) == wanted, fmt.Errorf("leaders: %v", leaders)
		}
	}
	stop := map[string]context.CancelFunc{}
	var running sync.WaitGroup
	for _, identity := range []string{"one", "two"} {
		ctx, cancel := context.WithCancel(s.context)
		stop[identity] = cancel
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  meta.ObjectMeta{Name: "leader", Namespace: s.namespace},
			Client:     s.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		}
		running.Go(func() {
			leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
				Lock: lock, ReleaseOnCancel: true,
				LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 100 * time.Millisecond,
				Callbacks: leaderelection.LeaderCallbacks{
					OnStartedLeading: func(context.Context) {
						mutex.Lock()
						defer mutex.Unlock()
						leaders = append(leaders, identity)
					},
					OnStoppedLeading: func() {},
				},
			})
		})
	}
	if s.eventually("one of two candidates leads", led(1)) {
		mutex.Lock()
		first := leaders[0]
		mutex.Unlock()
		lease, err := s.client.CoordinationV1().Leases(s.namespace).Get(s.context, "leader", meta.GetOptions{})
		s.expect("the lease names it", err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity == first, err)
		stop[first]()
		s.eventually("the other one follows", led(2))
	}
	for _, cancel := range stop {
		cancel()
	}
	running.Wait()
}
