package main

import (
	"fmt"
	"sync"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
)

// events counts what an informer tells.
type events struct {
	sync.Mutex
	added, updated, deleted int
}

func (e *events) count(which *int) {
	e.Lock()
	defer e.Unlock()
	*which++
}

// informers follows ConfigMaps while they come, change and go.
func (s *story) informers() {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	selector := informers.WithTweakListOptions(func(options *meta.ListOptions) { options.LabelSelector = "story=informers" })
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithNamespace(s.namespace), selector)
	informer := factory.Core().V1().ConfigMaps()
	var seen events
	_, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { seen.count(&seen.added) },
		UpdateFunc: func(any, any) { seen.count(&seen.updated) },
		DeleteFunc: func(any) { seen.count(&seen.deleted) },
	})
	exitOn(err)
	factory.Start(s.context.Done())
	synced := cache.WaitForCacheSync(s.context.Done(), informer.Informer().HasSynced)
	s.expect("an informer has its first list", synced, synced)

	labelled := func(i int, value string) *core.ConfigMap {
		return &core.ConfigMap{
			ObjectMeta: meta.ObjectMeta{Name: fmt.Sprintf("followed-%d", i), Labels: map[string]string{"story": "informers"}},
			Data:       map[string]string{"value": value},
		}
	}
	for i := range 10 {
		if _, err := maps.Create(s.context, labelled(i, "1"), meta.CreateOptions{}); err != nil {
			s.check("ten objects are created", err)
		}
	}
	for i := range 5 {
		if _, err := maps.Update(s.context, labelled(i, "2"), meta.UpdateOptions{}); err != nil {
			s.check("five objects are changed", err)
		}
	}
	// Whoever loses the label goes out of the informer's sight.
	for i := range 3 {
		changed := labelled(i, "2")
		changed.Labels = nil
		if _, err := maps.Update(s.context, changed, meta.UpdateOptions{}); err != nil {
			s.check("three objects lose their label", err)
		}
	}
	s.eventually("the informer tells of ten, five and three", func() (bool, error) {
		seen.Lock()
		defer seen.Unlock()
		return seen.added == 10 && seen.updated == 5 && seen.deleted == 3, fmt.Errorf("%d, %d, %d", seen.added, seen.updated, seen.deleted)
	})
	cached, err := informer.Lister().ConfigMaps(s.namespace).List(labels.Everything())
	s.expect("its cache has the other seven", err == nil && len(cached) == 7, len(cached))

	list, err := maps.List(s.context, meta.ListOptions{LabelSelector: "story=informers"})
	if !s.check("they are listed", err) {
		return
	}
	watcher, err := toolswatch.NewRetryWatcherWithContext(s.context, list.ResourceVersion, &cache.ListWatch{
		WatchFunc: func(options meta.ListOptions) (watch.Interface, error) {
			options.LabelSelector = "story=informers"
			return maps.Watch(s.context, options)
		},
	})
	if !s.check("a watch begins at the list's version", err) {
		return
	}
	defer watcher.Stop()
	s.check("one is deleted", maps.Delete(s.context, "followed-9", meta.DeleteOptions{}))
	event, open := <-watcher.ResultChan()
	object, _ := event.Object.(*core.ConfigMap)
	s.expect("the watch tells of it", open && event.Type == watch.Deleted && object != nil && object.Name == "followed-9", event)
}
