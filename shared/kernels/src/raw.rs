//! Short ways between Python and Rust, written against Python's C interface.
//!
//! Where a call takes a tenth of a microsecond, PyO3's way in and out of it takes half. So the calls that are made most
//! often read their arguments as Python passes them, and their results are plain structs. Whatever is not in the usual
//! form (numpy's scalars, mistakes) goes to the PyO3 function of the same name, which takes its time.

use std::ffi::{CStr, c_int, c_void};
use std::mem::{size_of, zeroed};
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

type Object = *mut ffi::PyObject;
pub type Getter = unsafe extern "C" fn(Object, *mut c_void) -> Object;

/// Python's arguments as they come: `count` in their places, then those of `names`, a tuple or null.
#[derive(Clone, Copy)]
pub struct Arguments {
    pub first: *const Object,
    pub count: usize,
    pub names: Object,
}

/// A class of plain structs: what Python has of an object, then `T`.
#[repr(C)]
pub struct Instance<T> {
    head: ffi::PyObject,
    pub value: T,
}

pub struct Class {
    pub name: &'static CStr,
    pub doc: &'static CStr,
    /// Name, type code and offset within `T`; read-only.
    pub members: Vec<(&'static CStr, c_int, usize)>,
    pub getters: Vec<(&'static CStr, Getter)>,
    pub text: unsafe extern "C" fn(Object) -> Object,
}

impl Class {
    /// The class whose instances hold a `T`.
    pub fn make<T>(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let offset = std::mem::offset_of!(Instance<T>, value);
        let members = self.members.iter().map(|(name, type_code, at)| ffi::PyMemberDef {
            name: name.as_ptr(),
            type_code: *type_code,
            offset: (offset + at) as ffi::Py_ssize_t,
            flags: ffi::Py_READONLY,
            doc: ptr::null(),
        });
        let getters = self.getters.iter().map(|(name, getter)| ffi::PyGetSetDef {
            name: name.as_ptr(),
            get: Some(*getter),
            set: None,
            doc: ptr::null(),
            closure: ptr::null_mut(),
        });
        // SAFETY: all zero is what ends these lists.
        let (last_member, last_getter) = unsafe { (zeroed(), zeroed()) };
        // The class points at them for as long as the process lives.
        let members: &'static mut [_] = members.chain([last_member]).collect::<Vec<_>>().leak();
        let getters: &'static mut [_] = getters.chain([last_getter]).collect::<Vec<_>>().leak();
        let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
        let mut slots = [
            slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
            slot(ffi::Py_tp_getset, getters.as_mut_ptr().cast()),
            slot(ffi::Py_tp_dealloc, free::<T> as *mut c_void),
            slot(ffi::Py_tp_repr, self.text as *mut c_void),
            slot(ffi::Py_tp_doc, self.doc.as_ptr() as *mut c_void),
            slot(0, ptr::null_mut()),
        ];
        let flags =
            ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION | ffi::Py_TPFLAGS_IMMUTABLETYPE;
        let mut spec = ffi::PyType_Spec {
            name: self.name.as_ptr(),
            basicsize: size_of::<Instance<T>>() as c_int,
            itemsize: 0,
            flags: flags as u32,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: every list has its end, and the members lie within `Instance<T>`.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&mut spec)) }.map(Bound::unbind)
    }
}

/// A new instance; null, and an error set, without memory.
///
/// # Safety
/// Attached to the interpreter; `class` was made for `T`.
#[inline(always)]
pub unsafe fn new_instance<T>(class: &Py<PyAny>, value: T) -> Object {
    unsafe {
        let instance = ffi::PyObject_Malloc(size_of::<Instance<T>>()).cast::<Instance<T>>();
        if instance.is_null() {
            return ffi::PyErr_NoMemory();
        }
        (&raw mut (*instance).value).write(value);
        ffi::PyObject_Init(instance.cast(), class.as_ptr().cast())
    }
}

unsafe extern "C" fn free<T>(instance: Object) {
    unsafe {
        let class = ffi::Py_TYPE(instance);
        ptr::drop_in_place(&raw mut (*instance.cast::<Instance<T>>()).value);
        ffi::PyObject_Free(instance.cast());
        ffi::Py_DECREF(class.cast());
    }
}

/// What `make` gives, as a new reference; null, and the error set, when it fails.
pub fn given<T, F>(make: F) -> Object
where
    F: FnOnce(Python<'_>) -> PyResult<Py<T>>,
{
    Python::attach(|py| match make(py) {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    })
}

/// Call `function`, of `owner` when it is a method, with arguments as they came.
///
/// # Safety
/// Attached to the interpreter; the arguments are alive.
#[cold]
pub unsafe fn slow(function: &PyOnceLock<Py<PyAny>>, owner: Option<Object>, arguments: Arguments) -> Object {
    given(|py| {
        let borrowed = |object: Object| unsafe { Bound::from_borrowed_ptr(py, object) };
        let argument = |at: usize| borrowed(unsafe { *arguments.first.add(at) });
        let keywords = PyDict::new(py);
        if !arguments.names.is_null() {
            for (at, name) in borrowed(arguments.names).try_iter()?.enumerate() {
                keywords.set_item(name?, argument(arguments.count + at))?;
            }
        }
        let places = owner.into_iter().map(borrowed).chain((0..arguments.count).map(argument));
        let places = PyTuple::new(py, places.collect::<Vec<_>>())?;
        let function = function.get(py).expect("set when the module was made").bind(py);
        Ok(function.call(places, Some(&keywords))?.unbind())
    })
}

/// How Python is to call `entry`.
pub fn definition(
    name: &'static CStr,
    text: &'static CStr,
    entry: ffi::PyCFunctionFastWithKeywords,
) -> &'static mut ffi::PyMethodDef {
    Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: entry },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: text.as_ptr(),
    }))
}

/// The value of an int that is exactly that and fits.
///
/// # Safety
/// Attached to the interpreter; `object` is alive.
#[inline(always)]
pub unsafe fn integer(object: Object) -> Option<i64> {
    unsafe {
        if ffi::PyLong_CheckExact(object) == 0 {
            return None;
        }
        let value = ffi::PyLong_AsLongLong(object);
        if value == -1 && !ffi::PyErr_Occurred().is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(value)
    }
}

/// # Safety
/// Attached to the interpreter.
#[inline(always)]
pub unsafe fn truth(object: Object) -> Option<bool> {
    unsafe {
        let yes = object == ffi::Py_True();
        (yes || object == ffi::Py_False()).then_some(yes)
    }
}
