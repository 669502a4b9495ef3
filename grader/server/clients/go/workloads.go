package main

import (
	"fmt"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// workloads leaves the work to the cluster's controllers.
func (s *story) workloads() {
	deployments, pods := s.client.AppsV1().Deployments(s.namespace), s.client.CoreV1().Pods(s.namespace)
	replicas := int32(2)
	selected := map[string]string{"app": "web"}
	created, err := deployments.Create(s.context, &apps.Deployment{
		ObjectMeta: meta.ObjectMeta{Name: "web"},
		Spec: apps.DeploymentSpec{
			Replicas: &replicas,
			Selector: &meta.LabelSelector{MatchLabels: selected},
			Template: core.PodTemplateSpec{
				ObjectMeta: meta.ObjectMeta{Labels: selected},
				Spec:       core.PodSpec{Containers: []core.Container{{Name: "web", Image: "example.com/web"}}},
			},
		},
	}, meta.CreateOptions{})
	if !s.check("a Deployment is created", err) {
		return
	}
	s.expect("it gets its defaults", *created.Spec.RevisionHistoryLimit == 10 && created.Spec.Strategy.RollingUpdate.MaxSurge.String() == "25%", created.Spec)
	count := func(wanted int) func() (bool, error) {
		return func() (bool, error) {
			list, err := pods.List(s.context, meta.ListOptions{LabelSelector: "app=web"})
			if err != nil {
				return false, err
			}
			alive := 0
			for _, pod := range list.Items {
				if pod.DeletionTimestamp == nil {
					alive++
				}
			}
			return alive == wanted, fmt.Errorf("%d Pods", alive)
		}
	}
	s.eventually("it has two Pods", count(2))
	// The Deployment's controller writes to it as well.
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		scale, err := deployments.GetScale(s.context, "web", meta.GetOptions{})
		if err != nil {
			return err
		}
		scale.Spec.Replicas = 3
		_, err = deployments.UpdateScale(s.context, "web", scale, meta.UpdateOptions{})
		return err
	})
	s.check("its scale is written", err)
	s.eventually("it has three Pods", count(3))
	list, err := pods.List(s.context, meta.ListOptions{LabelSelector: "app=web", Limit: 1})
	if s.expect("a Pod is found", err == nil && len(list.Items) == 1, err) {
		evicted := list.Items[0].Name
		err = pods.EvictV1(s.context, &policy.Eviction{ObjectMeta: meta.ObjectMeta{Name: evicted, Namespace: s.namespace}})
		s.check("the Pod is evicted", err)
		s.eventually("another one takes its place", func() (bool, error) {
			list, err := pods.List(s.context, meta.ListOptions{LabelSelector: "app=web"})
			gone := err == nil
			for _, pod := range list.Items {
				gone = gone && (pod.Name != evicted || pod.DeletionTimestamp != nil)
			}
			three, seen := count(3)()
			return gone && three, seen
		})
	}
	foreground := meta.DeletePropagationForeground
	s.check("the Deployment is deleted in the foreground", deployments.Delete(s.context, "web", meta.DeleteOptions{PropagationPolicy: &foreground}))
	s.eventually("its Pods go with it", count(0))
	s.eventually("its ReplicaSets go with it", func() (bool, error) {
		list, err := s.client.AppsV1().ReplicaSets(s.namespace).List(s.context, meta.ListOptions{})
		return err == nil && len(list.Items) == 0, err
	})
}
