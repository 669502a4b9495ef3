// @kubernetes/client-node against a Kubernetes API: typed calls, generic objects, patches, apply, watch, informer.
//
// usage: node story.mjs KUBECONFIG
import * as k8s from '@kubernetes/client-node';

const GROUP = 'node-client.example.com';
// How long anything may take to happen: a real garbage collector finds new kinds every 30 seconds.
const PATIENCE = 60_000;
let failed = 0;

function check(what, holds, seen) {
  if (holds) {
    console.log(`ok      ${what}`);
  } else {
    failed += 1;
    console.log(`FAILED  ${what}: seen ${JSON.stringify(seen)}`);
  }
}

async function refused(what, code, call) {
  try {
    const seen = await call();
    check(what, false, seen);
  } catch (error) {
    check(what, error.code === code, error.code ?? String(error));
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function eventually(what, condition) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const seen = await condition();
    if (seen || Date.now() > deadline) {
      check(what, Boolean(seen), seen);
      return;
    }
    await pause(50);
  }
}

const patchAs = (mediaType) => k8s.setHeaderOptions('Content-Type', mediaType);

async function objects(core, namespace) {
  for (let i = 0; i < 5; i += 1) {
    await core.createNamespacedConfigMap({
      namespace,
      body: {
        metadata: { name: `map-${i}`, labels: { story: 'objects', half: String(i % 2) } },
        data: { number: String(i), unicode: 'größe ☃' },
      },
    });
  }
  const read = await core.readNamespacedConfigMap({ name: 'map-1', namespace });
  check('a ConfigMap is read as it was sent', read.data.number === '1' && read.data.unicode === 'größe ☃', read.data);
  check('it has a time', read.metadata.creationTimestamp instanceof Date, read.metadata);
  const named = (name) => ({ namespace, body: { metadata: { name } } });
  await refused('a second object of the name is a conflict', 409, () => core.createNamespacedConfigMap(named('map-0')));
  await refused('a bad name is invalid', 422, () => core.createNamespacedConfigMap(named('No_Name')));
  await refused('an absent object is not found', 404, () => core.readNamespacedConfigMap({ name: 'absent', namespace }));
  const listed = await core.listNamespacedConfigMap({ namespace, labelSelector: 'story=objects,half=0' });
  check('a label selector finds three', listed.items.length === 3, listed.items.length);
  let names = [];
  let token;
  do {
    const page = await core.listNamespacedConfigMap({ namespace, labelSelector: 'story', limit: 2, _continue: token });
    names = names.concat(page.items.map((item) => item.metadata.name));
    token = page.metadata._continue;
  } while (token);
  check('pages show all five', names.join() === 'map-0,map-1,map-2,map-3,map-4', names);

  const merged = await core.patchNamespacedConfigMap(
    { name: 'map-1', namespace, body: { data: { number: 'one', unicode: null } } },
    patchAs(k8s.PatchStrategy.MergePatch),
  );
  check('a merge patch sets and removes', merged.data.number === 'one' && !('unicode' in merged.data), merged.data);
  const patched = await core.patchNamespacedConfigMap(
    { name: 'map-1', namespace, body: [{ op: 'replace', path: '/data/number', value: 'uno' }] },
    patchAs(k8s.PatchStrategy.JsonPatch),
  );
  check('a JSON patch replaces', patched.data.number === 'uno', patched.data);
  await refused('an update of an old version is a conflict', 409, () =>
    core.replaceNamespacedConfigMap({ name: 'map-1', namespace, body: { ...read, data: {} } }),
  );
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'half=1' });
  const left = await core.listNamespacedConfigMap({ namespace, labelSelector: 'story=objects' });
  check('a collection is deleted', left.items.length === 3, left.items.length);
}

async function applying(core, namespace) {
  const apply = (fieldManager, data, force) =>
    core.patchNamespacedConfigMap(
      {
        name: 'applied', namespace, fieldManager, force,
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data },
      },
      patchAs(k8s.PatchStrategy.ServerSideApply),
    );
  await apply('one', { a: '1', b: '1' });
  await refused('a field of somebody else is a conflict', 409, () => apply('two', { a: '2' }));
  await apply('two', { a: '2' }, true);
  const last = await apply('one', {});
  check('what nobody owns goes', JSON.stringify(last.data) === '{"a":"2"}', last.data);
  check('two managers share the object', last.metadata.managedFields.length === 2, last.metadata.managedFields);
}

async function following(config, core, namespace) {
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'story=informer' });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const informer = k8s.makeInformer(config, path, list, 'story=informer');
  const told = { add: 0, update: 0, delete: 0 };
  for (const verb of Object.keys(told)) {
    informer.on(verb, () => { told[verb] += 1; });
  }
  await informer.start();
  const labelled = (i, value) => ({ metadata: { name: `followed-${i}`, labels: { story: 'informer' } }, data: { value } });
  for (let i = 0; i < 6; i += 1) {
    await core.createNamespacedConfigMap({ namespace, body: labelled(i, '1') });
  }
  for (let i = 0; i < 3; i += 1) {
    await core.replaceNamespacedConfigMap({ name: `followed-${i}`, namespace, body: labelled(i, '2') });
  }
  for (let i = 0; i < 2; i += 1) {
    await core.deleteNamespacedConfigMap({ name: `followed-${i}`, namespace });
  }
  await eventually('an informer tells of six, three and two', () => told.add === 6 && told.update === 3 && told.delete === 2);
  check('its cache has the other four', informer.list(namespace).length === 4, informer.list(namespace)?.length);
  await informer.stop();

  const start = (await list()).metadata.resourceVersion;
  const events = [];
  const watch = new k8s.Watch(config);
  const controller = await watch.watch(
    path,
    { labelSelector: 'story=informer', resourceVersion: start, allowWatchBookmarks: true },
    (type, object) => events.push(`${type} ${object.metadata.name}`),
    () => {},
  );
  await core.deleteNamespacedConfigMap({ name: 'followed-5', namespace });
  await eventually('a watch tells of a delete', () => events.includes('DELETED followed-5'));
  check('and of nothing else', events.length === 1, events);
  controller.abort();
}

async function customResources(config, namespace) {
  const extensions = config.makeApiClient(k8s.ApiextensionsV1Api);
  const name = `gears.${GROUP}`;
  await extensions.createCustomResourceDefinition({
    body: {
      metadata: { name },
      spec: {
        group: GROUP, scope: 'Namespaced', names: { plural: 'gears', singular: 'gear', kind: 'Gear' },
        versions: [{
          name: 'v1', served: true, storage: true,
          subresources: { status: {}, scale: { specReplicasPath: '.spec.teeth', statusReplicasPath: '.status.teeth' } },
          schema: { openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object', required: ['teeth'],
                properties: { teeth: { type: 'integer', minimum: 1 }, metal: { type: 'string', _default: 'brass' } },
              },
              status: { type: 'object', properties: { teeth: { type: 'integer' } } },
            },
          } },
        }],
      },
    },
  });
  await eventually('a CustomResourceDefinition is established', async () => {
    const definition = await extensions.readCustomResourceDefinition({ name });
    return definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  });
  try {
    const generic = k8s.KubernetesObjectApi.makeApiClient(config);
    const gear = (gearName, teeth) => ({ apiVersion: `${GROUP}/v1`, kind: 'Gear', metadata: { name: gearName, namespace }, spec: { teeth } });
    const created = await generic.create(gear('g', 12));
    check('a default is filled in', created.spec.metal === 'brass', created.spec);
    await refused('the schema refuses', 422, () => generic.create(gear('bad', 0)));
    const patched = await generic.patch({ ...gear('g', 24) }, undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch);
    check('a generic patch', patched.spec.teeth === 24 && patched.metadata.generation === 2, patched);
    const custom = config.makeApiClient(k8s.CustomObjectsApi);
    const place = { group: GROUP, version: 'v1', namespace, plural: 'gears', name: 'g' };
    const withStatus = await custom.patchNamespacedCustomObjectStatus(
      { ...place, body: { status: { teeth: 24 } } },
      patchAs(k8s.PatchStrategy.MergePatch),
    );
    check('status has its own endpoint', withStatus.status.teeth === 24 && withStatus.metadata.generation === 2, withStatus);
    const scale = await custom.getNamespacedCustomObjectScale(place);
    check('it has a scale', scale.spec.replicas === 24 && scale.status.replicas === 24, scale);
    await custom.deleteNamespacedCustomObject(place);
    await refused('and is deleted', 404, () => custom.getNamespacedCustomObject(place));
  } finally {
    await extensions.deleteCustomResourceDefinition({ name });
  }
}

async function workloads(config, core, namespace) {
  const apps = config.makeApiClient(k8s.AppsV1Api);
  const labels = { app: 'web' };
  const created = await apps.createNamespacedStatefulSet({
    namespace,
    body: {
      metadata: { name: 'web' },
      spec: {
        replicas: 2, serviceName: 'web', podManagementPolicy: 'Parallel', selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'example.com/web' }] } },
      },
    },
  });
  check('a StatefulSet gets its defaults', created.spec.updateStrategy.type === 'RollingUpdate', created.spec);
  const pods = async () =>
    (await core.listNamespacedPod({ namespace, labelSelector: 'app=web' })).items.map((pod) => pod.metadata.name).join();
  await eventually('it has its Pods', async () => (await pods()) === 'web-0,web-1');
  const deleted = await apps.deleteNamespacedStatefulSet({ name: 'web', namespace, propagationPolicy: 'Background' });
  check('a delete answers with a Status', deleted.status === 'Success', deleted);
  await eventually('its Pods go with it', async () => (await pods()) === '');
}

const config = new k8s.KubeConfig();
config.loadFromFile(process.argv[2]);
const core = config.makeApiClient(k8s.CoreV1Api);
const made = await core.createNamespace({ body: { metadata: { generateName: 'node-client-' } } });
const namespace = made.metadata.name;
await objects(core, namespace);
await applying(core, namespace);
await following(config, core, namespace);
await customResources(config, namespace);
await workloads(config, core, namespace);
await core.deleteNamespace({ name: namespace });
await eventually('the namespace goes with everything in it', async () => {
  const left = await core.listNamespace({ fieldSelector: `metadata.name=${namespace}` });
  return left.items.length === 0;
});
if (failed > 0) {
  console.log(`${failed} checks failed`);
}
process.exit(failed > 0 ? 1 : 0);
