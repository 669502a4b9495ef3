package main

import (
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// protobufAlone speaks and hears nothing but protobuf.
func (s *story) protobufAlone() {
	config := rest.CopyConfig(s.config)
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(config)
	exitOn(err)
	pods := client.CoreV1().Pods(s.namespace)
	seconds := int64(30)
	created, err := pods.Create(s.context, &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "protobuf", Labels: map[string]string{"story": "protobuf"}},
		Spec: core.PodSpec{
			TerminationGracePeriodSeconds: &seconds,
			Containers:                    []core.Container{{Name: "main", Image: "example.com/main:1"}},
			Volumes:                       []core.Volume{{Name: "empty", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}}},
		},
	}, meta.CreateOptions{})
	if !s.check("in protobuf alone: a Pod is created", err) {
		return
	}
	volume := created.Spec.Volumes[0]
	s.expect("it comes back whole", volume.Name == "empty" && volume.EmptyDir != nil && created.UID != "" && !created.CreationTimestamp.IsZero() &&
		*created.Spec.TerminationGracePeriodSeconds == 30 && len(created.Spec.Tolerations) > 0, created)
	list, err := pods.List(s.context, meta.ListOptions{LabelSelector: "story=protobuf"})
	if s.expect("it is listed", err == nil && len(list.Items) == 1 && list.Items[0].UID == created.UID && list.ResourceVersion != "", err) {
		watcher, err := pods.Watch(s.context, meta.ListOptions{LabelSelector: "story=protobuf", ResourceVersion: list.ResourceVersion})
		if s.check("it is watched", err) {
			defer watcher.Stop()
			none := int64(0)
			s.check("it is deleted", pods.Delete(s.context, "protobuf", meta.DeleteOptions{GracePeriodSeconds: &none}))
			for event := range watcher.ResultChan() {
				if event.Type != watch.Modified {
					pod, _ := event.Object.(*core.Pod)
					s.expect("the watch tells of its end", event.Type == watch.Deleted && pod != nil && pod.UID == created.UID, event)
					break
				}
			}
		}
	}
	_, err = pods.Get(s.context, "protobuf-absent", meta.GetOptions{})
	s.expect("errors are read as well", errors.IsNotFound(err), err)
}
