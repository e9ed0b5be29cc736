//! The unsafe part: owned handles over openh264's C++ objects, with borrowed results.
//!
//! Each call returns openh264's own code on failure; the codecs above turn it into a
//! [`CodecError`](live_core::CodecError) with the frame it happened at.
#![allow(unsafe_code)]

use live_core::{I420, PicturePool, Plane};
use openh264_sys2 as ffi;
use openh264_sys2::source::APILoader as Library;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::{self, NonNull};

pub(super) use ffi::SEncParamExt as EncoderParams;

/// A return code other than success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub i64);

/// A function of an object's table; openh264 fills every entry.
macro_rules! method {
    ($object:expr, $name:ident) => {
        // SAFETY: the pointer comes from the library's constructor and is valid until its destructor, which only
        // `Drop` calls; the object starts with the pointer to its constant function table.
        unsafe { (**$object.as_ptr()).$name }.expect("openh264 fills its function table")
    };
}

/// openh264 logs to standard error unless told otherwise.
const QUIET: c_int = ffi::WELS_LOG_QUIET as c_int;

fn check(code: c_int) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(Code(code.into())) }
}

/// An encoder object.
pub(super) struct Encoder {
    object: NonNull<ffi::ISVCEncoder>,
    /// What the last call made. The NAL units it points at live in the object until the next call.
    info: Box<ffi::SFrameBSInfo>,
}

impl Encoder {
    /// Creates an object and initialises it with the library's default parameters as `adjust` changes them.
    pub(super) fn open(adjust: impl FnOnce(&mut EncoderParams)) -> Result<Self, Code> {
        let mut object = ptr::null_mut();
        // SAFETY: `object` is a place for one pointer.
        check(unsafe { Library::WelsCreateSVCEncoder(&raw mut object) })?;
        let object = NonNull::new(object).ok_or(Code(-1))?;
        let mut encoder = Self { object, info: Box::default() };
        encoder.set(ffi::ENCODER_OPTION_TRACE_LEVEL, QUIET)?;
        let mut params = EncoderParams::default();
        let default_params = method!(encoder.object, GetDefaultParams);
        // SAFETY: the object is alive and `params` is a whole structure of the type the function fills.
        check(unsafe { default_params(encoder.object.as_ptr(), &raw mut params) })?;
        adjust(&mut params);
        let initialize = method!(encoder.object, InitializeExt);
        // SAFETY: as above; the function copies the parameters.
        check(unsafe { initialize(encoder.object.as_ptr(), &raw const params) })?;
        Ok(encoder)
    }

    /// Encodes a picture in place: openh264 reads its planes during the call and keeps no pointer to them.
    pub(super) fn encode(&mut self, picture: &I420, millis: i64) -> Result<Encoded<'_>, Code> {
        let stride = |plane| c_int::try_from(picture.stride(plane)).unwrap_or(c_int::MAX);
        // The interface asks for mutable pointers and only reads.
        let data = |plane| picture.plane(plane).as_ptr().cast_mut();
        let source = ffi::SSourcePicture {
            iColorFormat: ffi::videoFormatI420,
            iStride: [stride(Plane::Y), stride(Plane::U), stride(Plane::V), 0],
            pData: [data(Plane::Y), data(Plane::U), data(Plane::V), ptr::null_mut()],
            iPicWidth: c_int::try_from(picture.width()).unwrap_or(c_int::MAX),
            iPicHeight: c_int::try_from(picture.height()).unwrap_or(c_int::MAX),
            uiTimeStamp: millis,
            ..Default::default()
        };
        let encode = method!(self.object, EncodeFrame);
        // SAFETY: the object is alive and initialised; the planes hold `stride × rows` bytes, which `I420`
        // guarantees for the width and height given, and outlive the call; `info` is a whole structure of the type
        // that is filled.
        check(unsafe { encode(self.object.as_ptr(), &raw const source, &raw mut *self.info) })?;
        Ok(Encoded { info: &self.info })
    }

    /// Makes the next picture an IDR picture.
    pub(super) fn force_key(&mut self) -> Result<(), Code> {
        let force = method!(self.object, ForceIntraFrame);
        // SAFETY: the object is alive and initialised.
        check(unsafe { force(self.object.as_ptr(), true) })
    }

    /// Sets the target bitrate in bit/s.
    pub(super) fn set_bitrate(&mut self, bits_per_second: i32) -> Result<(), Code> {
        let layer = ffi::SBitrateInfo { iLayer: ffi::SPATIAL_LAYER_0, iBitrate: bits_per_second };
        self.set(ffi::ENCODER_OPTION_BITRATE, layer)
    }

    /// Sets the number of pictures per second that the rate control expects.
    pub(super) fn set_frame_rate(&mut self, frame_rate: f32) -> Result<(), Code> {
        self.set(ffi::ENCODER_OPTION_FRAME_RATE, frame_rate)
    }

    /// Sets an option. Private: the caller answers for `T` being the option's type.
    fn set<T>(&mut self, option: ffi::ENCODER_OPTION, mut value: T) -> Result<(), Code> {
        let set = method!(self.object, SetOption);
        let place: *mut c_void = (&raw mut value).cast();
        // SAFETY: the object is alive; `value` has the type that codec_app_def.h names for the option (an `int` for
        // the trace level, a `float` for the frame rate, `SBitrateInfo` for bitrates) and is copied during the call.
        check(unsafe { set(self.object.as_ptr(), option, place) })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let uninitialize = method!(self.object, Uninitialize);
        // SAFETY: the object is alive, nothing uses it afterwards, and uninitialising twice or too early is harmless.
        unsafe {
            uninitialize(self.object.as_ptr());
            Library::WelsDestroySVCEncoder(self.object.as_ptr());
        }
    }
}

/// What one picture became.
pub(super) struct Encoded<'a> {
    info: &'a ffi::SFrameBSInfo,
}

impl Encoded<'_> {
    /// Bytes of all units with their start codes.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.info.iFrameSizeInBytes).unwrap_or(0)
    }

    /// The NAL units in stream order, each with its start code.
    pub(super) fn units(&self) -> impl Iterator<Item = &[u8]> {
        let layers = usize::try_from(self.info.iLayerNum).unwrap_or(0).min(self.info.sLayerInfo.len());
        self.info.sLayerInfo[..layers].iter().flat_map(|layer| {
            let count = usize::try_from(layer.iNalCount).unwrap_or(0);
            let mut start = 0;
            (0..count).map(move |index| {
                // SAFETY: `pNalLengthInByte` has `iNalCount` entries, and the units they measure lie one after the
                // other in `pBsBuf`; both stay as they are until the next call on the object, which `self` borrows.
                unsafe {
                    let length = usize::try_from(*layer.pNalLengthInByte.add(index)).unwrap_or(0);
                    let unit = std::slice::from_raw_parts(layer.pBsBuf.add(start), length);
                    start += length;
                    unit
                }
            })
        })
    }
}

/// Flags of a decoder's answer (`DECODING_STATE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State(pub c_int);

impl State {
    pub(super) const fn is_good(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn reference_lost(self) -> bool {
        self.0 & (ffi::dsRefLost | ffi::dsDepLayerLost | ffi::dsDataErrorConcealed | ffi::dsRefListNullPtrs)
            != 0
    }

    pub(super) const fn no_parameter_sets(self) -> bool {
        self.0 & ffi::dsNoParamSets != 0
    }
}

/// A decoder object.
pub(super) struct Decoder {
    object: NonNull<ffi::ISVCDecoder>,
}

/// A C `long`, which has 32 bits on some systems.
#[allow(clippy::useless_conversion, reason = "it converts something where `long` has 32 bits")]
fn widen(code: std::ffi::c_long) -> i64 {
    code.into()
}

impl Decoder {
    /// Creates and initialises an object.
    pub(super) fn open() -> Result<Self, Code> {
        let mut object = ptr::null_mut();
        // SAFETY: `object` is a place for one pointer.
        let code = unsafe { Library::WelsCreateDecoder(&raw mut object) };
        if code != 0 {
            return Err(Code(widen(code)));
        }
        let decoder = Self { object: NonNull::new(object).ok_or(Code(-1))? };
        let set = method!(decoder.object, SetOption);
        let mut level = QUIET;
        let place: *mut c_void = (&raw mut level).cast();
        // SAFETY: the object is alive; the option's type is `int`, copied during the call.
        unsafe { set(decoder.object.as_ptr(), ffi::DECODER_OPTION_TRACE_LEVEL, place) };
        let params = ffi::SDecodingParam {
            // Nothing is made up for lost data: the caller waits for the next key frame instead of showing it.
            eEcActiveIdc: ffi::ERROR_CON_DISABLE,
            uiTargetDqLayer: u8::MAX,
            sVideoProperty: ffi::SVideoProperty {
                size: size_of::<ffi::SVideoProperty>() as c_uint,
                eVideoBsType: ffi::VIDEO_BITSTREAM_AVC,
            },
            ..Default::default()
        };
        let initialize = method!(decoder.object, Initialize);
        // SAFETY: as above; the parameters are copied.
        let code = unsafe { initialize(decoder.object.as_ptr(), &raw const params) };
        if code == 0 { Ok(decoder) } else { Err(Code(widen(code))) }
    }

    /// Takes in a piece of the byte stream whose pictures are to carry `stamp`.
    pub(super) fn feed(&mut self, stream: &[u8], stamp: u64) -> (State, Option<Decoded<'_>>) {
        let Ok(length) = c_int::try_from(stream.len()) else {
            return (State(ffi::dsInvalidArgument), None);
        };
        self.decode(stream.as_ptr(), length, stamp)
    }

    /// Says that the access unit is complete, so that it is decoded now and not when the next one begins.
    pub(super) fn finish_unit(&mut self, stamp: u64) -> (State, Option<Decoded<'_>>) {
        self.decode(ptr::null(), 0, stamp)
    }

    fn decode(&mut self, stream: *const u8, length: c_int, stamp: u64) -> (State, Option<Decoded<'_>>) {
        let mut planes = [ptr::null_mut(); 3];
        let mut info = ffi::SBufferInfo { uiInBsTimeStamp: stamp, ..Default::default() };
        let decode = method!(self.object, DecodeFrame2);
        // SAFETY: the object is alive and initialised; `stream` points at `length` bytes (or is null with length 0,
        // which ends the unit) that are copied during the call; `planes` has room for three pointers.
        let state =
            unsafe { decode(self.object.as_ptr(), stream, length, planes.as_mut_ptr(), &raw mut info) };
        (State(state), Decoded::from_raw(self, &info))
    }

    /// The next picture that openh264 holds back for reordering.
    pub(super) fn take_held(&mut self) -> Option<Decoded<'_>> {
        let mut planes = [ptr::null_mut(); 3];
        let mut info = ffi::SBufferInfo::default();
        let flush = method!(self.object, FlushFrame);
        // SAFETY: as in `decode`.
        unsafe { flush(self.object.as_ptr(), planes.as_mut_ptr(), &raw mut info) };
        Decoded::from_raw(self, &info)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let uninitialize = method!(self.object, Uninitialize);
        // SAFETY: the object is alive and nothing uses it afterwards.
        unsafe {
            uninitialize(self.object.as_ptr());
            Library::WelsDestroyDecoder(self.object.as_ptr());
        }
    }
}

/// A decoded picture in openh264's memory, valid until the next call on the decoder.
pub(super) struct Decoded<'a> {
    /// The stamp of the access unit it came from.
    pub(super) stamp: u64,
    width: usize,
    height: usize,
    planes: [(&'a [u8], usize); 3],
}

impl<'a> Decoded<'a> {
    fn from_raw(_owner: &'a Decoder, info: &ffi::SBufferInfo) -> Option<Self> {
        if info.iBufferStatus != 1 || info.pDst.iter().any(|plane| plane.is_null()) {
            return None;
        }
        // SAFETY: the union has one member, plain integers, valid whatever their value.
        let system = unsafe { info.UsrData.sSystemBuffer };
        let width = usize::try_from(system.iWidth).ok().filter(|&width| width > 0)?;
        let height = usize::try_from(system.iHeight).ok().filter(|&height| height > 0)?;
        let [luma_stride, chroma_stride] = system.iStride.map(|stride| usize::try_from(stride).unwrap_or(0));
        let (chroma_width, chroma_height) = (width.div_ceil(2), height.div_ceil(2));
        if luma_stride < width || chroma_stride < chroma_width {
            return None;
        }
        let plane = |index: usize, width: usize, height: usize, stride: usize| {
            // SAFETY: openh264 gives pointers to `height` rows that are `stride` bytes apart and at least `width`
            // long; the last row ends the slice. The memory stays as it is until the next call, and `_owner` is
            // borrowed as long.
            let bytes =
                unsafe { std::slice::from_raw_parts(info.pDst[index], (height - 1) * stride + width) };
            (bytes, stride)
        };
        let planes = [
            plane(0, width, height, luma_stride),
            plane(1, chroma_width, chroma_height, chroma_stride),
            plane(2, chroma_width, chroma_height, chroma_stride),
        ];
        Some(Self { stamp: info.uiOutYuvTimeStamp, width, height, planes })
    }

    /// The picture copied into memory of its own.
    pub(super) fn to_picture(&self, pool: &PicturePool) -> I420 {
        let mut picture = pool.take(self.width as u32, self.height as u32);
        let strides = Plane::ALL.map(|plane| picture.stride(plane));
        let widths = Plane::ALL.map(|plane| picture.plane_size(plane).0);
        let targets = picture.planes_mut().into_iter().zip(strides).zip(widths);
        for ((source, source_stride), ((target, target_stride), width)) in self.planes.iter().zip(targets) {
            let rows = target.chunks_exact_mut(target_stride).zip(source.chunks(*source_stride));
            for (target, source) in rows {
                target[..width].copy_from_slice(&source[..width]);
            }
        }
        picture
    }
}
