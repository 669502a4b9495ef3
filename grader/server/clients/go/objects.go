package main

import (
	"encoding/json"
	"fmt"

	authorization "k8s.io/api/authorization/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/util/retry"
)

// objects creates, reads, lists and deletes through the typed client.
func (s *story) objects() {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	for i := range 5 {
		created, err := maps.Create(s.context, &core.ConfigMap{
			ObjectMeta: meta.ObjectMeta{
				Name:   fmt.Sprintf("map-%d", i),
				Labels: map[string]string{"story": "objects", "half": fmt.Sprint(i % 2)},
			},
			Data:       map[string]string{"number": fmt.Sprint(i), "unicode": "größe ☃"},
			BinaryData: map[string][]byte{"bytes": {0, 1, 254, 255}},
		}, meta.CreateOptions{FieldValidation: "Strict"})
		if err != nil || created.UID == "" || string(created.BinaryData["bytes"]) != "\x00\x01\xfe\xff" {
			s.check("a ConfigMap is created as it was sent", fmt.Errorf("%v, %v", err, created))
			return
		}
	}
	s.check("ConfigMaps are created as they were sent", nil)

	_, err := maps.Create(s.context, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "map-0"}}, meta.CreateOptions{})
	s.expect("a second object of the name is AlreadyExists", errors.IsAlreadyExists(err), err)
	_, err = maps.Get(s.context, "absent", meta.GetOptions{})
	s.expect("an absent object is NotFound", errors.IsNotFound(err), err)
	_, err = maps.Create(s.context, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "No_Name"}}, meta.CreateOptions{})
	s.expect("a bad name is Invalid", errors.IsInvalid(err), err)

	list, err := maps.List(s.context, meta.ListOptions{LabelSelector: "story=objects,half!=1"})
	s.expect("a label selector finds three", err == nil && len(list.Items) == 3, err)
	list, err = maps.List(s.context, meta.ListOptions{FieldSelector: "metadata.name=map-3"})
	s.expect("a field selector finds one", err == nil && len(list.Items) == 1 && list.Items[0].Data["number"] == "3", err)
	pages, seen := 0, 0
	for options := (meta.ListOptions{LabelSelector: "story=objects", Limit: 2}); ; pages++ {
		list, err = maps.List(s.context, options)
		if err != nil {
			break
		}
		seen += len(list.Items)
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	s.expect("pages of two show all five", err == nil && pages == 2 && seen == 5, fmt.Sprint(pages, seen, err))

	dry, err := maps.Create(s.context, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{GenerateName: "dry-"}}, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	s.expect("a dry run generates a name", err == nil && len(dry.Name) == len("dry-")+5, err)
	_, err = maps.Get(s.context, dry.Name, meta.GetOptions{})
	s.expect("a dry run keeps nothing", errors.IsNotFound(err), err)

	wrong := types.UID("wrong")
	err = maps.Delete(s.context, "map-4", meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &wrong}})
	s.expect("a delete of another uid is a Conflict", errors.IsConflict(err), err)
	s.check("an object is deleted", maps.Delete(s.context, "map-4", meta.DeleteOptions{}))
	err = maps.DeleteCollection(s.context, meta.DeleteOptions{}, meta.ListOptions{LabelSelector: "half=1"})
	s.check("a collection is deleted", err)
	list, err = maps.List(s.context, meta.ListOptions{LabelSelector: "story=objects"})
	s.expect("two are left", err == nil && len(list.Items) == 2, err)

	secret, err := s.client.CoreV1().Secrets(s.namespace).Create(s.context, &core.Secret{
		ObjectMeta: meta.ObjectMeta{Name: "secret"},
		StringData: map[string]string{"password": "hunter2"},
	}, meta.CreateOptions{})
	s.expect("a Secret's stringData becomes data", err == nil && string(secret.Data["password"]) == "hunter2" && secret.Type == core.SecretTypeOpaque, err)
	service, err := s.client.CoreV1().Services(s.namespace).Create(s.context, &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: "service"},
		Spec: core.ServiceSpec{
			Selector: map[string]string{"app": "web"},
			Ports:    []core.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}, meta.CreateOptions{})
	s.expect("a Service gets an address and defaults", err == nil && service.Spec.ClusterIP != "" && service.Spec.Ports[0].Protocol == core.ProtocolTCP, err)
	quota, err := s.client.CoreV1().ResourceQuotas(s.namespace).Create(s.context, &core.ResourceQuota{
		ObjectMeta: meta.ObjectMeta{Name: "quota"},
		Spec:       core.ResourceQuotaSpec{Hard: core.ResourceList{"requests.cpu": resource.MustParse("1500m"), "pods": resource.MustParse("10")}},
	}, meta.CreateOptions{})
	cpu := quota.Spec.Hard["requests.cpu"]
	s.expect("quantities come back canonical", err == nil && cpu.String() == "1500m", cpu.String())
	s.check("a ResourceQuota is deleted", s.client.CoreV1().ResourceQuotas(s.namespace).Delete(s.context, "quota", meta.DeleteOptions{}))

	review, err := s.client.AuthorizationV1().SelfSubjectAccessReviews().Create(s.context, &authorization.SelfSubjectAccessReview{
		Spec: authorization.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorization.ResourceAttributes{Namespace: s.namespace, Verb: "create", Resource: "pods"},
		},
	}, meta.CreateOptions{})
	s.expect("the administrator may create Pods", err == nil && review.Status.Allowed, err)
}

// conflicts writes over somebody else's change, and tries again as it should.
func (s *story) conflicts() {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	stale, err := maps.Create(s.context, &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: "contended"}}, meta.CreateOptions{})
	if !s.check("an object is created", err) {
		return
	}
	fresh := stale.DeepCopy()
	fresh.Data = map[string]string{"mine": "1"}
	_, err = maps.Update(s.context, fresh, meta.UpdateOptions{})
	s.check("the first update is taken", err)
	stale.Data = map[string]string{"theirs": "1"}
	_, err = maps.Update(s.context, stale, meta.UpdateOptions{})
	s.expect("an update of the old version is a Conflict", errors.IsConflict(err), err)
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := maps.Get(s.context, "contended", meta.GetOptions{})
		if err != nil {
			return err
		}
		current.Data["theirs"] = "1"
		_, err = maps.Update(s.context, current, meta.UpdateOptions{})
		return err
	})
	s.check("after reading again it is taken", err)
}

// patches changes one object in three ways.
func (s *story) patches() {
	pods := s.client.CoreV1().Pods(s.namespace)
	_, err := pods.Create(s.context, &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "patched"},
		Spec: core.PodSpec{Containers: []core.Container{{
			Name: "main", Image: "example.com/main:1",
			Resources: core.ResourceRequirements{Requests: core.ResourceList{core.ResourceCPU: resource.MustParse("0.1")}},
			Env:       []core.EnvVar{{Name: "A", Value: "1"}},
		}}},
	}, meta.CreateOptions{})
	if !s.check("a Pod is created", err) {
		return
	}
	pod, err := pods.Patch(s.context, "patched", types.StrategicMergePatchType, []byte(`{"spec":{"containers":[{"name":"main","image":"example.com/main:2"}]}}`), meta.PatchOptions{})
	s.expect("a strategic merge patch changes the container of the name", err == nil && pod.Spec.Containers[0].Image == "example.com/main:2" && len(pod.Spec.Containers[0].Env) == 1, err)
	pod, err = pods.Patch(s.context, "patched", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), meta.PatchOptions{})
	s.expect("a merge patch sets a label", err == nil && pod.Labels["a"] == "b", err)
	pod, err = pods.Patch(s.context, "patched", types.JSONPatchType, []byte(`[{"op":"test","path":"/metadata/labels/a","value":"b"},{"op":"remove","path":"/metadata/labels/a"}]`), meta.PatchOptions{})
	s.expect("a JSON patch removes it", err == nil && pod.Labels["a"] == "", err)
	status, _ := json.Marshal(map[string]any{"status": map[string]any{"conditions": []core.PodCondition{{Type: core.PodReady, Status: core.ConditionTrue}}}})
	pod, err = pods.Patch(s.context, "patched", types.StrategicMergePatchType, status, meta.PatchOptions{}, "status")
	ready := false
	for _, condition := range pod.Status.Conditions {
		ready = ready || condition.Type == core.PodReady && condition.Status == core.ConditionTrue
	}
	s.expect("a patch of the status subresource changes a condition", err == nil && ready, err)
	_, err = pods.Patch(s.context, "patched", types.StrategicMergePatchType, []byte(`{"spec":{"hostname":"other"}}`), meta.PatchOptions{})
	s.expect("what is immutable stays", errors.IsInvalid(err), err)
	none := int64(0)
	s.check("the Pod is deleted", pods.Delete(s.context, "patched", meta.DeleteOptions{GracePeriodSeconds: &none}))
}

// apply shares an object between two owners.
func (s *story) apply() {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	configuration := func(data map[string]string) *applycore.ConfigMapApplyConfiguration {
		return applycore.ConfigMap("applied", s.namespace).WithData(data)
	}
	_, err := maps.Apply(s.context, configuration(map[string]string{"a": "1", "b": "1"}), meta.ApplyOptions{FieldManager: "one"})
	s.check("apply creates", err)
	_, err = maps.Apply(s.context, configuration(map[string]string{"a": "2"}), meta.ApplyOptions{FieldManager: "two"})
	s.expect("another owner's field is a Conflict", errors.IsConflict(err), err)
	applied, err := maps.Apply(s.context, configuration(map[string]string{"a": "2"}), meta.ApplyOptions{FieldManager: "two", Force: true})
	s.expect("force takes it", err == nil && applied.Data["a"] == "2" && applied.Data["b"] == "1", err)
	applied, err = maps.Apply(s.context, configuration(nil), meta.ApplyOptions{FieldManager: "one"})
	s.expect("what nobody owns any more goes", err == nil && len(applied.Data) == 1 && applied.Data["a"] == "2", applied)
	extracted, err := applycore.ExtractConfigMap(applied, "two")
	s.expect("an owner's share can be extracted", err == nil && len(extracted.Data) == 1, err)
}
