package main

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	conditions "k8s.io/apimachinery/pkg/api/meta"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	group     = "go-client.example.com"
	finalizer = group + "/cleanup"
)

// Gadget is a custom resource: a ConfigMap with copies of a text.
type Gadget struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata,omitempty"`
	Spec            GadgetSpec   `json:"spec"`
	Status          GadgetStatus `json:"status,omitempty"`
}

type GadgetSpec struct {
	Text   string `json:"text"`
	Copies int32  `json:"copies,omitempty"`
}

type GadgetStatus struct {
	Copies     int32            `json:"copies,omitempty"`
	Conditions []meta.Condition `json:"conditions,omitempty"`
}

type GadgetList struct {
	meta.TypeMeta `json:",inline"`
	meta.ListMeta `json:"metadata,omitempty"`
	Items         []Gadget `json:"items"`
}

func (g *Gadget) DeepCopyObject() runtime.Object {
	out := *g
	g.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = append([]meta.Condition(nil), g.Status.Conditions...)
	return &out
}

func (l *GadgetList) DeepCopyObject() runtime.Object {
	out := *l
	out.Items = make([]Gadget, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*Gadget)
	}
	return &out
}

// definition of Gadgets, with defaults and a rule.
func definition() *apiextensions.CustomResourceDefinition {
	minimum := 0.0
	text := apiextensions.JSONSchemaProps{Type: "string", MaxLength: new(int64)}
	*text.MaxLength = 100
	open := true
	object := apiextensions.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &open}
	path := ".spec.copies"
	return &apiextensions.CustomResourceDefinition{
		ObjectMeta: meta.ObjectMeta{Name: "gadgets." + group},
		Spec: apiextensions.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensions.NamespaceScoped,
			Names: apiextensions.CustomResourceDefinitionNames{Plural: "gadgets", Kind: "Gadget"},
			Versions: []apiextensions.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Subresources: &apiextensions.CustomResourceSubresources{
					Status: &apiextensions.CustomResourceSubresourceStatus{},
					Scale:  &apiextensions.CustomResourceSubresourceScale{SpecReplicasPath: path, StatusReplicasPath: ".status.copies"},
				},
				Schema: &apiextensions.CustomResourceValidation{OpenAPIV3Schema: &apiextensions.JSONSchemaProps{
					Type: "object", Required: []string{"spec"},
					Properties: map[string]apiextensions.JSONSchemaProps{
						"spec": {
							Type: "object", Required: []string{"text"},
							Properties: map[string]apiextensions.JSONSchemaProps{
								"text":   text,
								"copies": {Type: "integer", Format: "int32", Minimum: &minimum, Default: &apiextensions.JSON{Raw: []byte("1")}},
							},
							XValidations: apiextensions.ValidationRules{{Rule: "self.text != 'forbidden'", Message: "that text is forbidden"}},
						},
						"status": object,
					},
				}},
			}},
		},
	}
}

// reconciler keeps a ConfigMap for every Gadget.
type reconciler struct {
	client.Client
	cleaned chan string
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var gadget Gadget
	if err := r.Get(ctx, request.NamespacedName, &gadget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !gadget.DeletionTimestamp.IsZero() {
		if controllerutil.RemoveFinalizer(&gadget, finalizer) {
			r.cleaned <- gadget.Name
			return ctrl.Result{}, r.Update(ctx, &gadget)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&gadget, finalizer) {
		return ctrl.Result{}, r.Update(ctx, &gadget)
	}
	child := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: gadget.Name, Namespace: gadget.Namespace}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, child, func() error {
		child.Data = map[string]string{}
		for i := range gadget.Spec.Copies {
			child.Data[fmt.Sprint(i)] = gadget.Spec.Text
		}
		return controllerutil.SetControllerReference(&gadget, child, r.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	before := gadget.DeepCopyObject().(*Gadget)
	gadget.Status.Copies = gadget.Spec.Copies
	conditions.SetStatusCondition(&gadget.Status.Conditions, meta.Condition{
		Type: "Ready", Status: meta.ConditionTrue, Reason: "Copied", ObservedGeneration: gadget.Generation,
	})
	return ctrl.Result{}, r.Status().Patch(ctx, &gadget, client.MergeFrom(before))
}

// operator runs a controller and lives through the life of a Gadget with it.
func (s *story) operator() {
	types := runtime.NewScheme()
	exitOn(scheme.AddToScheme(types))
	exitOn(apiextensions.AddToScheme(types))
	version := schema.GroupVersion{Group: group, Version: "v1"}
	types.AddKnownTypes(version, &Gadget{}, &GadgetList{})
	meta.AddToGroupVersion(types, version)

	direct, err := client.New(s.config, client.Options{Scheme: types})
	if !s.check("controller-runtime's client reads discovery", err) {
		return
	}
	crd := definition()
	if !s.check("a CustomResourceDefinition is created", direct.Create(s.context, crd)) {
		return
	}
	defer func() {
		s.check("the definition is deleted", direct.Delete(s.context, crd))
		s.eventually("the definition is gone", func() (bool, error) {
			err := direct.Get(s.context, client.ObjectKeyFromObject(crd), crd)
			return errors.IsNotFound(err), err
		})
	}()
	s.eventually("it is established", func() (bool, error) {
		err := direct.Get(s.context, client.ObjectKeyFromObject(crd), crd)
		for _, condition := range crd.Status.Conditions {
			if condition.Type == apiextensions.Established && condition.Status == apiextensions.ConditionTrue {
				return true, nil
			}
		}
		return false, err
	})

	manager, err := ctrl.NewManager(s.config, ctrl.Options{
		Scheme:  types,
		Metrics: server.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{s.namespace: {}}},
	})
	if !s.check("a manager is made", err) {
		return
	}
	worker := &reconciler{Client: manager.GetClient(), cleaned: make(chan string, 10)}
	err = ctrl.NewControllerManagedBy(manager).For(&Gadget{}).Owns(&core.ConfigMap{}).Complete(worker)
	if !s.check("a controller is made", err) {
		return
	}
	ctx, stop := context.WithCancel(s.context)
	done := make(chan error, 1)
	go func() { done <- manager.Start(ctx) }()
	defer func() {
		stop()
		s.check("the manager stops in order", <-done)
	}()
	synced := manager.GetCache().WaitForCacheSync(s.context)
	s.expect("its caches are filled", synced, synced)
	s.lifeOfAGadget(direct, worker)
}

func (s *story) lifeOfAGadget(direct client.Client, worker *reconciler) {
	gadget := &Gadget{ObjectMeta: meta.ObjectMeta{Name: "gadget", Namespace: s.namespace}, Spec: GadgetSpec{Text: "forbidden"}}
	err := direct.Create(s.context, gadget)
	s.expect("the rule of the schema refuses", errors.IsInvalid(err), err)
	gadget.Spec = GadgetSpec{Text: "x", Copies: -1}
	err = direct.Create(s.context, gadget)
	s.expect("the minimum of the schema refuses", errors.IsInvalid(err), err)
	gadget.Spec = GadgetSpec{Text: "hello"}
	if !s.check("a Gadget is created", direct.Create(s.context, gadget)) {
		return
	}
	s.expect("its default is filled in", gadget.Spec.Copies == 1, gadget.Spec)

	child := &core.ConfigMap{}
	copies := func(wanted int) func() (bool, error) {
		return func() (bool, error) {
			err := direct.Get(s.context, client.ObjectKeyFromObject(gadget), child)
			return err == nil && len(child.Data) == wanted && child.Data["0"] == "hello", err
		}
	}
	s.eventually("the controller makes its ConfigMap", copies(1))
	s.expect("the Gadget owns it", meta.IsControlledBy(child, gadget), child.OwnerReferences)
	s.eventually("the Gadget becomes Ready", func() (bool, error) {
		err := direct.Get(s.context, client.ObjectKeyFromObject(gadget), gadget)
		return conditions.IsStatusConditionTrue(gadget.Status.Conditions, "Ready"), err
	})
	s.expect("a status is no new generation", gadget.Generation == 1, gadget.Generation)

	before := gadget.DeepCopyObject().(client.Object)
	gadget.Spec.Copies = 3
	s.check("the Gadget is patched", direct.Patch(s.context, gadget, client.MergeFrom(before)))
	s.eventually("the ConfigMap follows", copies(3))
	s.check("the ConfigMap is deleted behind the controller's back", direct.Delete(s.context, child))
	s.eventually("it comes back", copies(3))

	s.check("the Gadget is deleted", direct.Delete(s.context, gadget))
	select {
	case name := <-worker.cleaned:
		s.expect("its finalizer runs", name == "gadget", name)
	case <-time.After(patience):
		s.check("its finalizer runs", fmt.Errorf("it did not"))
	}
	s.eventually("the Gadget is gone", func() (bool, error) {
		err := direct.Get(s.context, client.ObjectKeyFromObject(gadget), gadget)
		return errors.IsNotFound(err), err
	})
	s.eventually("its ConfigMap is collected", func() (bool, error) {
		err := direct.Get(s.context, client.ObjectKeyFromObject(child), child)
		return errors.IsNotFound(err), err
	})
}
